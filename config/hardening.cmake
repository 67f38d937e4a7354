# Flags of optimised builds besides -O2: Debian's hardening, also if Debian's tools do not configure the build. The program reads the network
# and holds secrets, so it must end at the first write out of bounds instead of continuing. tests/units checks the binary for the result.
# Measured with tests/bench/micro.cpp (GCC 12, x86-64, processor time): parsing takes up to 5 % longer, encoding rows 1 to 3 %; hashing and
# gathering batches take no longer; the program's code grows by 9 %. Debug builds and builds with sanitizers do not get these flags, because
# _FORTIFY_SOURCE needs the optimiser, and replaces functions that sanitizers watch. Nor do targets with GLIA_UNOPTIMISED, the sources of tests.
include(CheckCXXSourceCompiles)
include(CheckCXXCompilerFlag)

# __USE_FORTIFY_LEVEL is 3 if the C library supports level 3 with this compiler (GCC 12 or clang 9, and glibc 2.35).
set(CMAKE_REQUIRED_FLAGS "-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
check_cxx_source_compiles("
  #include <cstdlib>
  #if __USE_FORTIFY_LEVEL != 3
  #error
  #endif
  int main() {}" GLIA_FORTIFY_3)
unset(CMAKE_REQUIRED_FLAGS)
set(fortify 2)
if(GLIA_FORTIFY_3)
  set(fortify 3)
endif()

set(hardening -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=${fortify} -D_GLIBCXX_ASSERTIONS -fPIE -Wformat
    -Werror=format-security)
# Not every processor has each of these flags: -fcf-protection (x86-64) and -mbranch-protection (arm64) protect the control flow.
foreach(flag -fstack-clash-protection -fcf-protection -mbranch-protection=standard)
  string(MAKE_C_IDENTIFIER "GLIA_HAS${flag}" known)
  check_cxx_compiler_flag(${flag} ${known})
  if(${known})
    list(APPEND hardening ${flag})
  endif()
endforeach()

set(hardened_link -fPIE -pie -Wl,-z,relro -Wl,-z,now)
# The linker does not mark the program by itself, because the start files of Debian 12's C library have no marks. They work with a shadow
# stack all the same, so this sets that mark. They have no landing pads, so the mark for indirect branches (IBT) is not set here.
if(GLIA_HAS_fcf_protection)
  list(APPEND hardened_link -Wl,-z,shstk)
endif()

set(hardened "$<NOT:$<OR:$<CONFIG:Debug>,$<BOOL:$<TARGET_PROPERTY:GLIA_UNOPTIMISED>>>>")
target_compile_options(glia_flags INTERFACE "$<${hardened}:${hardening}>")
target_link_options(glia_flags INTERFACE "$<${hardened}:${hardened_link}>")
