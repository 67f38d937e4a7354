// The Sink of every destination that is not PostgreSQL: a RecordWriter, with its state in a SQLite file.
#pragma once

#include <memory>

#include "sinks/sink.hpp"
#include "sinks/sqlite/state_file.hpp"

namespace glia::sqlite {

/// Records are durable before the state that covers them. After a crash, the records of at most one
/// transaction are repeated if the destination cannot be truncated, otherwise none. StateFile describes
/// concurrent use. A sink with another `destination` than the previous one takes over with its first
/// transaction, which is how a reload changes the destination.
std::unique_ptr<Sink> open(const Settings& settings);

}  // namespace glia::sqlite
