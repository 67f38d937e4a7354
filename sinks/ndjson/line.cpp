#include "sinks/ndjson/line.hpp"

#include <algorithm>
#include <array>
#include <type_traits>

#include "sinks/content_hash.hpp"
#include "sinks/fields/directory_fields.hpp"
#include "sinks/fields/engagement_fields.hpp"
#include "sinks/invariant.hpp"
#include "sinks/json_text.hpp"

namespace glia::ndjson {
namespace {

/// Writes a JSON object or list.
class Json {
  public:
    explicit Json(char open) : out_(1, open), close_(open == '{' ? '}' : ']') {}

    Json& text(std::string_view name, const RecordText& value) {
        return raw(name, value ? json_quote(*value) : "null");
    }
    Json& time(std::string_view name, const OptionalInstant& value) {
        return raw(name, value ? json_quote(to_iso8601(*value)) : "null");
    }
    /// Appends `json` unchanged: as a member or, if `name` is empty, as an element of a list.
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

template <typename List>
std::string object_of(const typename List::Record& record);

/// A value as JSON.
template <typename F, typename Value>
std::string json_of(const Value& value) {
    if constexpr (F::kind == FieldKind::list) {
        if constexpr (requires { value.has_value(); }) {
            return value ? json_of<F>(*value) : "null";
        } else {
            Json list('[');
            for (const auto& element : value) {
                if constexpr (std::is_void_v<typename F::Elements>) {
                    list.text("", element);
                } else {
                    list.raw("", object_of<typename F::Elements>(element));
                }
            }
            return list.done();
        }
    } else if constexpr (std::is_same_v<Value, Instant>) {
        return json_quote(to_iso8601(value));
    } else {
        if (!value) return "null";
        if constexpr (F::kind == FieldKind::time) return json_quote(to_iso8601(*value));
        if constexpr (F::kind == FieldKind::seconds || F::kind == FieldKind::number)
            return std::to_string(*value);
        if constexpr (F::kind == FieldKind::texts) {
            Json list('[');
            for (const std::string& text : *value) list.raw("", json_quote(text));
            return list.done();
        }
        if constexpr (F::kind == FieldKind::flag) return *value ? "true" : "false";
        if constexpr (F::kind == FieldKind::json) return std::string(*value);
        if constexpr (F::kind == FieldKind::id || F::kind == FieldKind::text) return json_quote(*value);
    }
}

/// Appends the members of a record in the API's own shape.
template <typename List>
void append_members(Json& out, const typename List::Record& record) {
    List::for_each([&]<typename F>() {
        const auto& value = record.*F::member;
        if constexpr (F::required && F::kind == FieldKind::id) {
            return;  // already written at the start of the line
        } else if constexpr (!F::inner.empty()) {
            out.raw(F::name.view(),
                    value ? Json('{').raw(F::inner.view(), json_of<F>(value)).done() : "null");
        } else {
            // An operator's id, which the API sends only in the link, is named `id` like other ids.
            constexpr bool kDerivedId = !F::is_api_member && F::kind == FieldKind::id;
            out.raw(kDerivedId ? "id" : F::name.view(), json_of<F>(value));
        }
    });
}

template <typename List>
std::string object_of(const typename List::Record& record) {
    Json object('{');
    append_members<List>(object, record);
    return object.done();
}

/// The line's content without `fetched_at`.
std::string content(const Engagement& e, const std::vector<std::string>& site_ids) {
    Json sites('['), object('{');
    for (const std::string& site : site_ids) sites.raw("", json_quote(site));
    object.raw("site_ids", sites.done());
    append_members<EngagementFields>(object, e);
    return object.done();
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

std::string line_of(const ListedEntry& listed) {
    constexpr std::array kKinds{"operator", "site", "queue"};  // in the order of kDirectoryStreams
    const auto kind = std::find(kDirectoryStreams.begin(), kDirectoryStreams.end(), listed.stream);
    check_invariant(kind != kDirectoryStreams.end(), "the entry's stream is one of the directory");
    Json line('{');
    line.raw("kind", json_quote(kKinds[static_cast<std::size_t>(kind - kDirectoryStreams.begin())]))
        .raw("id", json_quote(listed.id))
        .raw("listed_by", json_quote(listed.site_id))
        .time("fetched_at", listed.fetched_at)
        .raw("missing", listed.entry.index() == 0 ? "true" : "false");
    if (const auto* entry = std::get_if<const OperatorEntry*>(&listed.entry))
        append_members<OperatorEntryFields>(line, **entry);
    if (const auto* entry = std::get_if<const SiteEntry*>(&listed.entry))
        append_members<SiteEntryFields>(line, **entry);
    if (const auto* entry = std::get_if<const QueueEntry*>(&listed.entry))
        append_members<QueueEntryFields>(line, **entry);
    return line.done() + "\n";
}

}  // namespace glia::ndjson
