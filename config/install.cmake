# What `cmake --install` installs, and where. debian/ makes packages from it.
include(GNUInstallDirs)
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # requires only the program: the tests need not be built
set(BUILT ${PROJECT_BINARY_DIR}/daemon)  # has the manual page, which the build of the program generates

install(TARGETS glia-sync RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${BUILT}/glia-sync.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES config/completion/glia-sync.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME glia-sync)
install(FILES config/completion/_glia-sync DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
if(TARGET glia-simulator)
  install(TARGETS glia-simulator RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} OPTIONAL)  # only if it was built
endif()

install(FILES systemd/glia-sync.service systemd/glia-sync@.service systemd/glia-sync-backfill@.service
        systemd/glia-sync-verify.service systemd/glia-sync-verify.timer systemd/glia-sync-notify@.service
        DESTINATION lib/systemd/system)
install(FILES systemd/glia-sync.sysusers DESTINATION lib/sysusers.d RENAME glia-sync.conf)
install(FILES systemd/glia-sync.tmpfiles DESTINATION lib/tmpfiles.d RENAME glia-sync.conf)

# Keeps an existing configuration.
install(CODE "
  set(target \"\$ENV{DESTDIR}/etc/glia-sync/glia-sync.yaml\")
  if(NOT EXISTS \"\${target}\")
    configure_file(\"${PROJECT_SOURCE_DIR}/config/glia-sync.minimal.yaml\" \"\${target}\" COPYONLY)
    file(CHMOD \"\${target}\" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  endif()")
install(FILES config/glia-sync.yaml config/glia-sync.schema.json DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES README.md CHANGELOG.md config/OPERATIONS.md config/GUARANTEES.md config/PERFORMANCE.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES config/analytics/DICTIONARY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY config/analytics/questions config/analytics/dbt DESTINATION ${CMAKE_INSTALL_DATADIR}/glia-sync/analytics)
install(FILES config/postgres/roles.sql config/citus.sql DESTINATION ${CMAKE_INSTALL_DATADIR}/glia-sync/postgres)
install(FILES config/prometheus/alerts.yml config/prometheus/scrape.yml
        DESTINATION ${CMAKE_INSTALL_DATADIR}/glia-sync/prometheus)
install(FILES config/grafana/glia-sync.json config/grafana/engagements.json DESTINATION ${CMAKE_INSTALL_DATADIR}/glia-sync/grafana)
install(DIRECTORY config/grafana/provisioning DESTINATION ${CMAKE_INSTALL_DATADIR}/glia-sync/grafana)
# Not in a folder that Podman reads: there it would replace the service.
install(FILES systemd/glia-sync.container DESTINATION ${CMAKE_INSTALL_DATADIR}/glia-sync/containers)
install(FILES config/api.openapi.yaml DESTINATION ${CMAKE_INSTALL_DATADIR}/glia-sync)
