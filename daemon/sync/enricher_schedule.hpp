// When an enricher drains its queue, and what it enqueues first: decisions only. enrichment.hpp performs
// them.
#pragma once

#include <optional>
#include <variant>

#include "daemon/config/settings.hpp"
#include "daemon/sync/exit_status.hpp"
#include "sinks/enrichment.hpp"

namespace glia {

/// Schedules the drains of one enricher's queue. Each drain first enqueues the missed work, which came while
/// the enricher was off, until all of it is enqueued. Times are those of any monotonic clock.
class EnricherSchedule {
  public:
    explicit EnricherSchedule(const SyncSettings& sync) : sync_(sync) {}

    /// Wait for `delay`, enqueue the part of the missed work that follows `after`, then on_enqueued().
    struct EnqueueMissed {
        std::optional<MissedCursor> after;
        Milliseconds delay{};
    };
    /// All missed work is enqueued: record that, then on_recorded(). `ago`: time since its first part was
    /// enqueued.
    struct RecordEnqueued {
        Seconds ago{};
    };
    /// Drain the queue, then on_drained(). If an earlier step fails, call on_drained() without draining.
    struct Drain {};
    using Step = std::variant<EnqueueMissed, RecordEnqueued, Drain>;
    Step next(Milliseconds now);

    /// `cursor`: after which the next part starts; none: all parts are enqueued.
    void on_enqueued(std::optional<MissedCursor> cursor);
    void on_recorded() { at_ = At::drain; }
    /// Returns the pause before the next drain, doubled after each failure as for a site.
    /// `random` in [0, 1), for jitter.
    Milliseconds on_drained(const ExitStatus& outcome, double random);

    // Pause between drains without failures.
    static constexpr Milliseconds kPause{5000};
    // Pause between two parts of the missed work, so that other calls get the database in between.
    static constexpr Milliseconds kBetweenParts{20};

  private:
    enum class At { enqueue, record, drain };

    SyncSettings sync_;
    At at_ = At::enqueue;
    std::optional<MissedCursor> after_;
    std::optional<Milliseconds> began_;
    int failures_ = 0;
};

}  // namespace glia
