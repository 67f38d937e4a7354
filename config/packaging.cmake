# What `cmake --install` puts where, and the Debian package that cpack makes of it.
include(GNUInstallDirs)
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # the program is enough; tests need not be built for it
set(BUILT ${PROJECT_BINARY_DIR}/daemon)  # the manual page and completion, made with the program

install(TARGETS glia-sync RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${BUILT}/glia-sync.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${BUILT}/glia-sync.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME glia-sync)
install(FILES ${BUILT}/_glia-sync DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)

install(FILES systemd/glia-sync.service systemd/glia-sync@.service systemd/glia-sync-backfill@.service
        DESTINATION lib/systemd/system)
install(FILES systemd/glia-sync.sysusers DESTINATION lib/sysusers.d RENAME glia-sync.conf)
install(FILES systemd/glia-sync.tmpfiles DESTINATION lib/tmpfiles.d RENAME glia-sync.conf)

# A configuration that is there already stays.
install(CODE "
  set(target \"\$ENV{DESTDIR}/etc/glia-sync/glia-sync.yaml\")
  if(NOT EXISTS \"\${target}\")
    configure_file(\"${PROJECT_SOURCE_DIR}/config/glia-sync.minimal.yaml\" \"\${target}\" COPYONLY)
    file(CHMOD \"\${target}\" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  endif()")
install(FILES config/glia-sync.yaml config/glia-sync.schema.json DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES README.md config/OPERATIONS.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES config/analytics/DICTIONARY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY config/analytics/questions config/analytics/dbt DESTINATION ${CMAKE_INSTALL_DATADIR}/glia-sync/analytics)
install(FILES config/postgres/roles.sql config/citus.sql DESTINATION ${CMAKE_INSTALL_DATADIR}/glia-sync/postgres)
install(FILES config/prometheus/alerts.yml config/prometheus/scrape.yml
        DESTINATION ${CMAKE_INSTALL_DATADIR}/glia-sync/prometheus)
install(FILES config/grafana/glia-sync.json config/grafana/engagements.json DESTINATION ${CMAKE_INSTALL_DATADIR}/glia-sync/grafana)

# The package: cpack -G DEB in the build folder.
install(FILES config/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${BUILT}/changelog.gz ${BUILT}/CHANGELOG.md.gz DESTINATION ${CMAKE_INSTALL_DOCDIR})
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "The glia-sync authors <glia-sync@example.com>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "postgresql, prometheus")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "contact centre engagements into PostgreSQL")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Reads every engagement of a contact centre on Glia, with its legs and
queues, from the REST API, and keeps the tables of a PostgreSQL database
equal to it: complete, fresh and queryable. Runs as a service, and loads
history in one shot.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/config/debian/conffiles ${PROJECT_SOURCE_DIR}/config/debian/postinst
    ${PROJECT_SOURCE_DIR}/config/debian/prerm ${PROJECT_SOURCE_DIR}/config/debian/postrm)
include(CPack)
