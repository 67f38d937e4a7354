// A database of its own for each test, in the cluster that GLIA_TEST_DSN names (tests/run.sh starts one).
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <pqxx/pqxx>
#include <random>
#include <string>
#include <thread>

#include "sinks/postgres/schema_script.hpp"

namespace glia {

class Database {
  public:
    Database() : Database("") {}
    /// `options`: of CREATE DATABASE.
    explicit Database(const std::string& options) {
        const char* given = std::getenv("GLIA_TEST_DSN");
        if (!given) throw std::runtime_error("GLIA_TEST_DSN is not set; run tests/run.sh integration");
        server_ = given;
        name_ = "t" + std::to_string(std::random_device{}()) + std::to_string(std::random_device{}());
        outside("CREATE DATABASE " + name_ + " " + options);
    }
    ~Database() {
        try {
            outside("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
        } catch (const std::exception&) {
            // the cluster is removed as a whole
        }
    }
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    std::string dsn(const std::string& more = "") const { return server_ + " dbname=" + name_ + " " + more; }
    const std::string& name() const { return name_; }

    /// The rows of a query, one per line, with columns separated by |.
    std::string sql(const std::string& query) const {
        pqxx::connection connection(dsn());
        pqxx::work tx(connection);
        std::string out;
        for (const auto& row : tx.exec(query)) {
            std::string line;
            for (const auto& field : row)
                line += (line.empty() ? "" : "|") + std::string(field.is_null() ? "NULL" : field.c_str());
            out += (out.empty() ? "" : "\n") + line;
        }
        tx.commit();
        return out;
    }

    /// Waits until the query has this result; fails after ten seconds.
    void wait_until(const std::string& query, const std::string& result) const {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
        std::string found;
        while ((found = sql(query)) != result) {
            if (std::chrono::steady_clock::now() > end) {
                ADD_FAILURE() << query << "\nis still " << found << " instead of " << result;
                return;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        }
    }
    /// Runs a script, which may have transactions of its own.
    void run(const std::string& script) const {
        pqxx::connection connection(dsn());
        pqxx::nontransaction(connection).exec(script);
    }
    /// Migrates the schema to an older version, as an older program would.
    void migrate_to(int version) const { run(postgres::migration_script("glia", version)); }
    /// Waits until a session is blocked by another one's lock.
    void wait_for_a_blocked_session() const {
        wait_until(
            "SELECT count(*) > 0 FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'",
            "t");
    }

    void outside(const std::string& statement) const {
        pqxx::connection connection(server_ + " dbname=postgres");
        pqxx::nontransaction tx(connection);
        tx.exec(statement);
    }

  private:
    std::string server_;
    std::string name_;
};

}  // namespace glia
