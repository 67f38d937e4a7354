// A database of its own for each test, in the cluster that GLIA_TEST_DSN names (tests/run.sh starts one).
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <pqxx/pqxx>
#include <random>
#include <string>

namespace glia {

class Database {
  public:
    Database() {
        const char* given = std::getenv("GLIA_TEST_DSN");
        if (!given) throw std::runtime_error("GLIA_TEST_DSN is not set; run tests/run.sh integration");
        server_ = given;
        name_ = "t" + std::to_string(std::random_device{}()) + std::to_string(std::random_device{}());
        outside("CREATE DATABASE " + name_);
    }
    ~Database() {
        try {
            outside("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
        } catch (const std::exception&) {
            // the cluster goes away as a whole
        }
    }
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    std::string dsn(const std::string& more = "") const { return server_ + " dbname=" + name_ + " " + more; }
    const std::string& name() const { return name_; }

    /// The rows of a query, one a line, columns divided by |.
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
