#include "sinks/legacy_hash.hpp"

#include <string>

#include "sinks/content_hash.hpp"

namespace glia {
namespace {

// Length-prefixed fields: no two different contents serialise to the same bytes.
class Serialiser {
  public:
    // Bytes. Enough for an engagement with about two legs.
    Serialiser() { bytes_.reserve(2048); }
    void text(const RecordText& value) {
        if (!value) {
            bytes_.push_back('n');
            return;
        }
        number('t', static_cast<std::int64_t>((*value).size()));
        bytes_ += *value;
    }
    void number(char tag, std::int64_t value) {
        bytes_.push_back(tag);
        bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void seconds(const OptionalInteger& value) { value ? number('i', *value) : bytes_.push_back('n'); }
    void flag(const OptionalFlag& value) { bytes_.push_back(!value ? 'n' : *value ? '1' : '0'); }
    void time(const OptionalInstant& value) {
        value ? number('d', value->time_since_epoch().count()) : bytes_.push_back('n');
    }
    void queues(const RecordList<QueueRef>& queues) {
        number('[', static_cast<std::int64_t>(queues.size()));
        for (const QueueRef& queue : queues) {
            text(queue.id);
            text(queue.name);
        }
    }
    const std::string& bytes() const { return bytes_; }

  private:
    std::string bytes_;
};

}  // namespace

RecordHash legacy_core_hash(const Engagement& e) {
    Serialiser s;
    s.text(e.id);
    s.time(e.created_at);
    s.text(e.engagement_type);
    s.seconds(e.duration);
    for (const auto* field : {&e.visitor_name, &e.visitor_browser, &e.visitor_device_type, &e.visitor_id}) {
        s.text(*field);
    }
    for (const auto* field : {&e.cobrowsing_used, &e.video_used, &e.audio_used, &e.flagged}) s.flag(*field);
    s.seconds(e.queue_wait_time);
    s.flag(e.crm_forwarded);
    s.flag(e.summary_forwarded);
    for (const auto* field : {&e.platform, &e.source, &e.visitor_href, &e.chat_transcript_href, &e.extra}) {
        s.text(*field);
    }
    s.number('[', static_cast<std::int64_t>(e.audio_recording_urls.size()));
    for (const auto& url : e.audio_recording_urls) s.text(url);
    s.number('[', static_cast<std::int64_t>(e.operators.size()));
    for (const auto& op : e.operators) {
        s.text(op.operator_id);
        s.text(op.href);
    }
    s.queues(e.queues);
    return {RecordHash::kLegacy, bytes_hash(s.bytes())};
}

RecordHash legacy_legs_hash(const RecordList<Leg>& legs) {
    Serialiser s;
    for (const Leg& leg : legs) {
        s.text(leg.id);
        for (const auto* field :
             {&leg.operator_id, &leg.site_id, &leg.request_type, &leg.request_source, &leg.offered_media_type,
              &leg.accepted_media_type, &leg.highest_visitor_media_type, &leg.highest_operator_media_type,
              &leg.end_reason, &leg.extra}) {
            s.text(*field);
        }
        for (const auto* field : {&leg.requested_at, &leg.accepted_at, &leg.ended_at}) s.time(*field);
        s.seconds(leg.duration);
        s.flag(leg.used_cobrowsing);
        s.queues(leg.request_queues);
    }
    return {RecordHash::kLegacy, bytes_hash(s.bytes())};
}

namespace {

bool is_legacy(const std::optional<RecordHash>& hash) {
    return hash && hash->version == RecordHash::kLegacy;
}

}  // namespace

bool upgrade_hashes(StoredState& stored, const Engagement& engagement, const IncomingState& incoming) {
    const bool core = is_legacy(stored.core_hash), list = is_legacy(stored.list_hash);
    const bool legs = is_legacy(stored.legs_hash) && engagement.legs;
    bool any = false;
    const auto upgrade = [&](RecordHash& hash, const RecordHash& before, const RecordHash& now) {
        if (hash != before) return;
        hash = now;
        any = true;
    };
    if (core || list) {
        const RecordHash before = legacy_core_hash(engagement);
        if (core) upgrade(stored.core_hash, before, incoming.core_hash);
        if (list) upgrade(*stored.list_hash, before, incoming.core_hash);
    }
    if (legs) upgrade(*stored.legs_hash, legacy_legs_hash(*engagement.legs), *incoming.legs_hash);
    return any;
}

}  // namespace glia
