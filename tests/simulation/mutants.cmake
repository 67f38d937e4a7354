# simulation_mutants: builds for each mutants/NAME.patch a simulation, mutants/NAME, with the patched source. Its object precedes the
# libraries, which contain the same source without the patch: the linker uses the first definition. A patch that does not apply fails
# the build. In a unity build, these sources are compiled one by one: the object of a group would define the rest of the group twice.
find_program(PATCH patch)
add_custom_target(simulation_mutants)
set(mutants_dir ${CMAKE_CURRENT_BINARY_DIR}/mutants)
file(GLOB patches CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/simulation/mutants/*.patch)
foreach(patch ${patches})
  get_filename_component(name ${patch} NAME_WE)
  file(STRINGS ${patch} target REGEX "^\\+\\+\\+ " LIMIT_COUNT 1)
  string(REGEX REPLACE "^\\+\\+\\+ b/([^ \t]+).*$" "\\1" source "${target}")
  set_source_files_properties(${PROJECT_SOURCE_DIR}/${source} DIRECTORY ${PROJECT_SOURCE_DIR}/sinks ${PROJECT_SOURCE_DIR}/daemon ${CMAKE_CURRENT_SOURCE_DIR}
    PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  add_custom_command(
    OUTPUT ${mutants_dir}/${name}.cpp
    COMMAND ${CMAKE_COMMAND} -E make_directory ${mutants_dir}
    COMMAND ${PATCH} --batch --quiet --fuzz=0 --output=${mutants_dir}/${name}.cpp ${PROJECT_SOURCE_DIR}/${source} ${patch}
    DEPENDS ${patch} ${PROJECT_SOURCE_DIR}/${source} VERBATIM
    COMMENT "Patching the mutant ${name}")
  add_executable(simulation_mutant_${name} EXCLUDE_FROM_ALL $<TARGET_OBJECTS:simulation_main> ${mutants_dir}/${name}.cpp)
  set_target_properties(simulation_mutant_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${mutants_dir} OUTPUT_NAME ${name})
  set_target_properties(simulation_mutant_${name} PROPERTIES GLIA_UNOPTIMISED ON DISABLE_PRECOMPILE_HEADERS "${never_precompile}")
  target_precompile_headers(simulation_mutant_${name} REUSE_FROM unoptimised_standard)
  target_link_libraries(simulation_mutant_${name} PRIVATE simulation_world CLI11::CLI11 Threads::Threads)
  add_dependencies(simulation_mutants simulation_mutant_${name})
endforeach()
