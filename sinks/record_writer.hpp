// The interface of a destination; sqlite/ keeps its state (DESIGN.md §4, "A sink has two halves"). PostgreSQL
// has no RecordWriter, because its stored rows are the state of the merge.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "sinks/directory.hpp"
#include "sinks/records.hpp"

namespace glia {

/// How far a destination has been written; committed with the state that covers it.
struct WriterPosition {
    OptionalText file;          ///< name of the open file; none if no file is open
    std::int64_t length = 0;    ///< committed bytes of it
    OptionalInstant begun_at;   ///< when the file was begun
    std::int64_t sequence = 0;  ///< number of the last file that was begun
    bool operator==(const WriterPosition&) const = default;
};

/// A complete engagement that is new or has changed, with its legs if they are known.
struct MergedEngagement {
    const Engagement& engagement;
    Instant fetched_at{};
    const std::vector<std::string>& site_ids;  ///< all sites whose listing has shown it
};

/// A listing's entry of an operator, a site or a queue that is new, has changed, or is no longer listed.
struct ListedEntry {
    Stream stream = Stream::operators;
    const std::string& id;
    const std::string& site_id;  ///< the site of the listing
    Instant fetched_at{};
    /// monostate if the listing no longer shows it.
    std::variant<std::monostate, const OperatorEntry*, const SiteEntry*, const QueueEntry*> entry;
};

/// Writes merged engagements to one destination. Used by one thread at a time. Throws SinkError, or
/// OutputLost if the destination is lost for good.
///
/// The order of a commit: write() for each record, flush(), then the state is committed with the position
/// that flush() returned. So the records are durable before the state that covers them; after a crash or a
/// failed commit, resume() goes back to the position in the state.
class RecordWriter {
  public:
    virtual ~RecordWriter() = default;

    /// Throws SinkError::misconfigured unless the destination can be written.
    virtual void require_writable() const = 0;
    /// Continues at `position` and drops everything written after it.
    virtual void resume(const WriterPosition& position) = 0;
    /// May keep the record in memory until flush().
    virtual void write(const MergedEngagement& record) = 0;
    /// The same for an entry of a listing. The default ignores it.
    virtual void write_listed(const ListedEntry&) {}
    /// Makes everything that was written durable. `now`: the time of the transaction.
    virtual WriterPosition flush(Instant now) = 0;
    /// Completes the open file, if there is one: it gets its final name. Called between transactions only.
    virtual WriterPosition finish() = 0;
};

using RecordWriterFactory = std::function<std::unique_ptr<RecordWriter>()>;

}  // namespace glia
