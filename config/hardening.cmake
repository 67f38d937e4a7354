# What an optimised program is built with besides -O2: Debian's hardening, whoever configures the build. A program that reads the network
# and holds secrets ends at the first write out of bounds instead of going on. tests/units reads the result in the binary. Measured with
# tests/bench/micro.cpp (GCC 12, x86-64, processor time): parsing takes up to 5 % longer, encoding rows 1 to 3 %, hashing and gathering batches
# no longer; the program's code grows by 9 %. Neither Debug nor sanitizers: _FORTIFY_SOURCE needs the optimiser, and hides from sanitizers what
# they need. Nor what has GLIA_UNOPTIMISED: sources of tests.
include(CheckCXXSourceCompiles)
include(CheckCXXCompilerFlag)

# The C library says itself whether it knows level 3 with this compiler (GCC 12 or clang 9, and glibc 2.35).
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
# Each is for some processors only: control flow by -fcf-protection on x86-64, by -mbranch-protection on arm64.
foreach(flag -fstack-clash-protection -fcf-protection -mbranch-protection=standard)
  string(MAKE_C_IDENTIFIER "GLIA_HAS${flag}" known)
  check_cxx_compiler_flag(${flag} ${known})
  if(${known})
    list(APPEND hardening ${flag})
  endif()
endforeach()

set(hardened_link -fPIE -pie -Wl,-z,relro -Wl,-z,now)
# The C library's start files of Debian 12 are not marked, so that the linker marks nothing. They keep to the shadow stack all the same; but
# they have no landing pads, so the mark for indirect branches (IBT) is left to a C library that has them.
if(GLIA_HAS_fcf_protection)
  list(APPEND hardened_link -Wl,-z,shstk)
endif()

set(hardened "$<NOT:$<OR:$<CONFIG:Debug>,$<BOOL:$<TARGET_PROPERTY:GLIA_UNOPTIMISED>>>>")
target_compile_options(glia_flags INTERFACE "$<${hardened}:${hardening}>")
target_link_options(glia_flags INTERFACE "$<${hardened}:${hardened_link}>")
