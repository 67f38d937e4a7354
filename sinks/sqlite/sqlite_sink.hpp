// The Sink of every destination that is not PostgreSQL: a RecordWriter, with its state in a SQLite file.
#pragma once

#include <memory>

#include "sinks/sink.hpp"
#include "sinks/sqlite/state_file.hpp"

namespace glia::sqlite {

/// The records are durable before the state that covers them: a crash repeats at most one transaction's
/// records where the destination cannot cut them off, and none elsewhere. See StateFile for who may use it
/// together. A sink with another `destination` than those before it takes over with its first transaction:
/// that is how a reload changes it.
std::unique_ptr<Sink> open(const Settings& settings);

}  // namespace glia::sqlite
