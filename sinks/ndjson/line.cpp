#include "sinks/ndjson/line.hpp"

#include "sinks/content_hash.hpp"
#include "sinks/json_text.hpp"

namespace glia::ndjson {
namespace {

/// An object or a list while it is written.
class Json {
  public:
    explicit Json(char open) : out_(1, open), close_(open == '{' ? '}' : ']') {}

    Json& text(std::string_view name, const RecordText& value) {
        return raw(name, value ? json_quote(*value) : "null");
    }
    Json& number(std::string_view name, const OptionalSeconds& value) {
        return raw(name, value ? std::to_string(*value) : "null");
    }
    Json& flag(std::string_view name, const OptionalFlag& value) {
        return raw(name, !value ? "null" : *value ? "true" : "false");
    }
    Json& time(std::string_view name, const OptionalInstant& value) {
        return raw(name, value ? json_quote(to_iso8601(*value)) : "null");
    }
    /// `json` as it stands; without a name, as an entry of a list.
    Json& raw(std::string_view name, std::string_view json) {
        if (out_.size() > 1) out_.push_back(',');
        if (!name.empty()) {
            append_json_string(out_, name);
            out_.push_back(':');
        }
        out_ += json;
        return *this;
    }
    std::string done() const { return out_ + close_; }

  private:
    std::string out_;
    char close_;
};

std::string object_with(std::string_view name, const RecordText& value) {
    return value ? Json('{').text(name, value).done() : "null";
}

std::string queues(const RecordList<QueueRef>& queues) {
    Json list('[');
    for (const QueueRef& queue : queues)
        list.raw("", Json('{').text("id", queue.id).text("name", queue.name).done());
    return list.done();
}

std::string legs(const Engagement& e) {
    if (!e.legs) return "null";
    Json list('[');
    for (const Leg& leg : *e.legs) {
        list.raw("", Json('{')
                         .text("id", leg.id)
                         .raw("operator", object_with("id", leg.operator_id))
                         .raw("site", object_with("id", leg.site_id))
                         .time("requested_at", leg.requested_at)
                         .time("accepted_at", leg.accepted_at)
                         .text("request_type", leg.request_type)
                         .text("request_source", leg.request_source)
                         .text("offered_media_type", leg.offered_media_type)
                         .text("accepted_media_type", leg.accepted_media_type)
                         .raw("request_queues", queues(leg.request_queues))
                         .number("duration", leg.duration)
                         .text("highest_visitor_media_type", leg.highest_visitor_media_type)
                         .text("highest_operator_media_type", leg.highest_operator_media_type)
                         .flag("used_cobrowsing", leg.used_cobrowsing)
                         .time("ended_at", leg.ended_at)
                         .text("end_reason", leg.end_reason)
                         .raw("extra", leg.extra.value_or("null"))
                         .done());
    }
    return list.done();
}

/// Everything but when it was fetched.
std::string content(const Engagement& e, const std::vector<std::string>& site_ids) {
    Json sites('['), recordings('['), operators('[');
    for (const std::string& site : site_ids) sites.raw("", json_quote(site));
    for (const RecordText& url : e.audio_recording_urls) recordings.raw("", url ? json_quote(*url) : "null");
    for (const OperatorRef& op : e.operators)
        operators.raw("", Json('{').text("id", op.operator_id).text("href", op.href).done());
    return Json('{')
        .raw("site_ids", sites.done())
        .text("engagement_type", e.engagement_type)
        .time("created_at", e.created_at)
        .number("duration", e.duration)
        .text("visitor_name", e.visitor_name)
        .text("visitor_browser", e.visitor_browser)
        .text("visitor_device_type", e.visitor_device_type)
        .text("visitor_id", e.visitor_id)
        .flag("cobrowsing_used", e.cobrowsing_used)
        .flag("video_used", e.video_used)
        .flag("audio_used", e.audio_used)
        .flag("flagged", e.flagged)
        .number("queue_wait_time", e.queue_wait_time)
        .text("platform", e.platform)
        .raw("audio_recording_urls", recordings.done())
        .flag("crm_forwarded", e.crm_forwarded)
        .flag("summary_forwarded", e.summary_forwarded)
        .raw("visitor", object_with("href", e.visitor_href))
        .raw("chat_transcript", object_with("href", e.chat_transcript_href))
        .raw("operators", operators.done())
        .text("source", e.source)
        .raw("queues", queues(e.queues))
        .raw("extra", e.extra.value_or("null"))
        .raw("legs", legs(e))
        .done();
}

}  // namespace

std::string line_of(const Engagement& engagement, Instant fetched_at,
                    const std::vector<std::string>& site_ids) {
    const std::string rest = content(engagement, site_ids);
    const std::string head = Json('{')
                                 .text("id", engagement.id)
                                 .time("fetched_at", fetched_at)
                                 .text("content_hash", to_hex(bytes_hash(rest)))
                                 .done();
    return head.substr(0, head.size() - 1) + "," + rest.substr(1) + "\n";
}

}  // namespace glia::ndjson
