#include "daemon/sync/statistics_schedule.hpp"

#include <algorithm>
#include <utility>

#include "daemon/sync/listing_read.hpp"

namespace glia {
namespace {

using Micros = std::chrono::microseconds;

/// The last start of an interval at or before `time`.
Instant interval_start(Instant time, Milliseconds interval) {
    const Micros since = time.time_since_epoch(), length{interval};
    const Micros into = (since % length + length) % length;
    return time - into;
}

std::size_t index_of(StatisticsSource source) {
    return static_cast<std::size_t>(source);
}

}  // namespace

Instant interval_boundary(Instant time, Milliseconds interval) {
    const Instant start = interval_start(time, interval);
    return start == time ? time : start + interval;
}

std::vector<StatisticsInterval> intervals_between(Instant from, Instant to, Instant now,
                                                  Milliseconds interval) {
    std::vector<StatisticsInterval> intervals;
    const Seconds length = std::chrono::duration_cast<Seconds>(interval);
    for (Instant start = interval_boundary(from, interval); start < to && start + length <= now;
         start += length)
        intervals.push_back({start, length});
    return intervals;
}

OptionalInstant next_reading(const StatisticsReading& reading, const std::vector<TierSettings>& revisit) {
    OptionalInstant next;
    for (const TierSettings& tier : revisit) {
        const Instant settled = reading.interval.end() + tier.back;
        if (reading.fetched_at >= settled) continue;
        const Instant at = std::min<Instant>(reading.fetched_at + tier.every, settled);
        next = next ? std::min(*next, at) : at;
    }
    return next;
}

void StatisticsFailures::on_error(StatisticsSource source, const ApiError& error) {
    failed_.insert(source);
    outcome_.merge({exit_reason_of(error), error.message});
    without_response_ = error.status == 0 ? without_response_ + 1 : 0;
    over_ = over_ || error.kind == ApiError::Kind::cancelled || error.kind == ApiError::Kind::credentials ||
            without_response_ >= kSourcesUntilDown;
}

StatisticsSchedule::StatisticsSchedule(const StatisticsSettings& settings, Instant start_from,
                                       std::vector<StatisticsProgress> progress, bool retry_refused)
    : settings_(settings), start_from_(start_from) {
    for (StatisticsProgress& one : progress) {
        Source& source = sources_[index_of(one.source)];
        source.read_through = one.read_through;
        source.refused_at = one.refused_at;
        source.retry_now = retry_refused;
        for (StatisticsReading& reading : one.readings)
            source.readings.emplace(reading.interval.start, std::move(reading));
        if (source.read_through) skip_known(source);
    }
}

bool StatisticsSchedule::is_paused(const Source& source, Instant now) {
    return source.refused_at && !source.retry_now && now < *source.refused_at + kRefusalPause;
}

void StatisticsSchedule::begin(Source& source, Instant now) const {
    Milliseconds back = settings_.interval;
    for (const TierSettings& tier : settings_.revisit) back = std::max(back, tier.back);
    source.read_through = interval_boundary(std::max<Instant>(now - back, start_from_), settings_.interval);
    skip_known(source);
}

/// Advances `read_through` over intervals that have been read, by the service or by a backfill.
void StatisticsSchedule::skip_known(Source& source) const {
    for (auto known = source.readings.find(*source.read_through); known != source.readings.end();
         known = source.readings.find(*source.read_through))
        source.read_through = known->second.interval.end();
}

/// The next new interval. It ends at a multiple of the interval's length even if `read_through` is not one,
/// because an earlier configuration had another length.
StatisticsInterval StatisticsSchedule::next_new(const Source& source) const {
    const Instant start = *source.read_through;
    const Instant end = interval_start(start, settings_.interval) + settings_.interval;
    return {start, std::chrono::duration_cast<Seconds>(end - start)};
}

std::optional<StatisticsSchedule::Request> StatisticsSchedule::next(Instant now) {
    if (failures_.is_over()) return std::nullopt;
    std::optional<Request> fresh, again;
    for (const StatisticsSource name : kStatisticsSources) {
        Source& source = sources_[index_of(name)];
        if (is_paused(source, now) || failures_.contains(name)) continue;
        if (!source.read_through) begin(source, now);
        const StatisticsInterval interval = next_new(source);
        if (interval.end() <= now && (!fresh || interval.start < fresh->interval.start))
            fresh = Request{name, interval};
        for (const auto& [start, reading] : source.readings) {
            const OptionalInstant at = next_reading(reading, settings_.revisit);
            if (at && *at <= now && !source.read_in_run.contains(start) &&
                (!again || start < again->interval.start))
                again = Request{name, reading.interval};
        }
    }
    return fresh ? fresh : again;
}

StatisticsSchedule::ReadProgress StatisticsSchedule::on_response(const Request& request, Instant fetched_at) {
    failures_.on_response();
    Source& source = sources_[index_of(request.source)];
    source.refused_at.reset();
    StatisticsReading reading{request.interval, fetched_at};
    ReadProgress progress;
    progress.settled = !next_reading(reading, settings_.revisit);
    source.read_in_run.insert(request.interval.start);
    source.readings.insert_or_assign(request.interval.start, std::move(reading));
    skip_known(source);
    // Forgets settled intervals before `read_through`: they are not read again.
    if (progress.settled && request.interval.start < *source.read_through)
        source.readings.erase(request.interval.start);
    progress.read_through = source.read_through;
    return progress;
}

void StatisticsSchedule::on_refused(StatisticsSource name, Instant now) {
    failures_.on_response();
    Source& source = sources_[index_of(name)];
    source.refused_at = now;
    source.retry_now = false;
}

Milliseconds StatisticsSchedule::wait(Instant now) const {
    OptionalInstant due;
    const auto earlier = [&due](Instant at) { due = due ? std::min(*due, at) : at; };
    for (const Source& source : sources_) {
        if (is_paused(source, now)) {
            earlier(*source.refused_at + kRefusalPause);
            continue;
        }
        earlier(source.read_through ? next_new(source).end() : now);
        for (const auto& [start, reading] : source.readings) {
            if (const OptionalInstant at = next_reading(reading, settings_.revisit)) earlier(*at);
        }
    }
    // Rounds up: after a pause that is too short, nothing would be due yet.
    return std::max(Milliseconds{0}, std::chrono::ceil<Milliseconds>(*due - now));
}

OptionalInstant StatisticsSchedule::read_through() const {
    OptionalInstant through;
    for (const Source& source : sources_) {
        if (source.refused_at) continue;
        if (!source.read_through) return std::nullopt;
        through = through ? std::min(*through, *source.read_through) : *source.read_through;
    }
    return through;
}

}  // namespace glia
