#include "daemon/parse/directory_parser.hpp"

#include <simdjson.h>

#include <algorithm>
#include <span>
#include <unordered_map>

#include "daemon/base/utf8.hpp"
#include "daemon/parse/canonical_json.hpp"
#include "daemon/parse/dom_record.hpp"
#include "daemon/parse/json_repair.hpp"
#include "daemon/parse/page_splitter.hpp"
#include "sinks/fields/directory_fields.hpp"
#include "sinks/json_text.hpp"
#include "sinks/time_zone_names.hpp"

namespace glia {
namespace {

namespace dom = simdjson::dom;

/// For each type of record: its list in DirectoryRecords, its fields, and the API's members that are not
/// stored.
template <typename Entry>
struct Kind;
template <>
struct Kind<OperatorEntry> {
    using Fields = OperatorEntryFields;
    static constexpr auto kList = &DirectoryRecords::operators;
    static constexpr std::span<const std::string_view> kTransient{kTransientOperatorMembers};
};
template <>
struct Kind<SiteEntry> {
    using Fields = SiteEntryFields;
    static constexpr auto kList = &DirectoryRecords::sites;
    static constexpr std::span<const std::string_view> kTransient{kTransientSiteMembers};
};
template <>
struct Kind<QueueEntry> {
    using Fields = QueueEntryFields;
    static constexpr auto kList = &DirectoryRecords::queues;
    static constexpr std::span<const std::string_view> kTransient{kTransientQueueMembers};
};

// Sets the fields that are derived from other members.

void complete(OperatorEntry&, dom::object) {}
void complete(SiteEntry& site, dom::object members) {
    dom::element hostnames;  // the deprecated form
    if (!site.addresses && members["hostnames"].get(hostnames) == simdjson::SUCCESS)
        read_value(hostnames, site.addresses);
    if (site.time_zone) site.iana_time_zone = iana_time_zone(*site.time_zone);
}
void complete(QueueEntry& queue, dom::object members) {
    for (const char* holder : {"routing_policy", "available_properties"}) {
        dom::element media;
        if (!queue.media && members[holder]["media"].get(media) == simdjson::SUCCESS)
            read_value(media, queue.media);
    }
}

/// The id at the end of an operator's link. `record`: its text, which may be broken.
OptionalText operator_id_of(std::string_view record) {
    const auto href = find_member(record, "href");
    const OptionalText link = href ? json_unquote(*href) : std::nullopt;
    const std::string_view id = link ? last_segment(*link) : std::string_view();
    return is_engagement_id(id) ? OptionalText(id) : std::nullopt;
}

void apply(const Privacy& privacy, OperatorEntry& entry) {
    privacy.apply(entry);
}
template <typename Entry>
void apply(const Privacy&, Entry&) {}

class PageReader {
  public:
    PageReader(Stream stream, const Privacy& privacy, DirectoryPage& page)
        : stream_(stream), privacy_(privacy), page_(page) {}

    /// False, with the reason in `why`, if the body is none of the documented forms.
    bool read_body(dom::element root, std::string& why) {
        if (root.is_array()) {
            read_list(root);
            return true;
        }
        const std::string list = name_of(stream_);
        if (!root.is_object()) {
            why = "the body is not a list of " + list;
            return false;
        }
        dom::element member;
        if (root[list].get(member) == simdjson::SUCCESS) {
            if (!member.is_array() && !member.is_null()) {
                why = list + " is not a list";
                return false;
            }
            if (member.is_array()) read_list(member);
        } else if (root["id"].get(member) == simdjson::SUCCESS) {
            read_record(root);
        } else if (root["next_page"].get(member) != simdjson::SUCCESS) {
            why = "the body has no list of " + list;
            return false;
        }
        if (root["next_page"].get(member) == simdjson::SUCCESS && !read_link(member)) {
            why = "next_page is not a string";
            return false;
        }
        return true;
    }

    /// Reads a body that is not JSON, record by record, cut by quotes and brackets alone. False if those do
    /// not balance: the list must not appear shorter than it is.
    bool read_one_by_one(std::string_view text) {
        auto list = std::optional(text);
        if (!text.starts_with('['))
            list = is_balanced_object(text) ? find_member(text, name_of(stream_)) : std::nullopt;
        const auto elements = list ? split_list(*list) : std::nullopt;
        if (!elements) return false;
        dom::parser parser;
        dom::element element;
        for (const std::string_view raw : *elements) {
            if (parse_document(raw, parser, element)) {
                reject(raw, "the record is malformed");
            } else {
                read_record(element);
            }
        }
        const auto link = find_member(text, "next_page");
        return !link || (!parse_document(*link, parser, element) && read_link(element));
    }

    void read_record(dom::element element) {
        switch (stream_) {
            case Stream::operators:
                return read_entry<OperatorEntry>(element);
            case Stream::sites:
                return read_entry<SiteEntry>(element);
            case Stream::queues:
                return read_entry<QueueEntry>(element);
            case Stream::engagements:
            case Stream::statistics:
                return;
        }
    }

  private:
    void read_list(dom::element list) {
        for (const dom::element element : dom::array(list)) read_record(element);
    }

    bool read_link(dom::element element) {
        OptionalText link;
        if (!read_value(element, link)) return false;
        if (link && !link->empty()) page_.next_page = std::move(link);
        return true;
    }

    /// `payload`: may hold NUL, which PostgreSQL does not store.
    void reject(std::string_view payload, std::string reason) {
        RejectedRecord rejected{std::nullopt, without_nul(payload), std::move(reason)};
        if (stream_ == Stream::operators) {
            rejected.operator_id = operator_id_of(rejected.payload);
            rejected.payload = privacy_.apply_to_operator(rejected.payload);
        }
        page_.rejected.push_back(std::move(rejected));
    }

    /// Returns the record without the members that change by the minute: with them, each listing would add a
    /// new rejected record. Keeps `href`, which identifies the record.
    template <typename Entry>
    static std::string stored_members(dom::element record) {
        const auto rule = [](std::string_view path, std::string_view name, std::string&) {
            const auto transient = Kind<Entry>::kTransient;
            return !path.empty() || name == "href" ||
                   std::find(transient.begin(), transient.end(), name) == transient.end();
        };
        std::string text = simdjson::minify(record), why;
        return canonical_json(text, why, rule).value_or(text);
    }

    template <typename Entry>
    void read_entry(dom::element element) {
        if (!element.is_object()) return reject(simdjson::minify(element), "the record is not an object");
        const dom::object object = element;
        const auto transient = Kind<Entry>::kTransient;
        Entry entry;
        std::vector<JsonMember> extra;
        for (const dom::key_value_pair member : object) {
            if (std::find(transient.begin(), transient.end(), member.key) == transient.end())
                read_member<typename Kind<Entry>::Fields>(member, entry, extra);
        }
        if (!entry.id || !is_engagement_id(*entry.id))
            return reject(stored_members<Entry>(element), "id is missing or cannot be stored");
        entry.extra = object_of(extra);
        complete(entry, object);
        apply(privacy_, entry);
        auto& entries = page_.records.*Kind<Entry>::kList;
        const auto [place, is_new] = places_.emplace(*entry.id, entries.size());
        if (is_new) {
            entries.push_back(std::move(entry));
        } else {
            entries[place->second] = std::move(entry);
        }
    }

    Stream stream_;
    const Privacy& privacy_;
    DirectoryPage& page_;
    std::unordered_map<std::string, std::size_t> places_;  // index by id: the last record of an id is used
};

}  // namespace

Parsed<DirectoryPage> parse_directory(Stream stream, std::string& body, const Privacy& privacy) {
    Parsed<DirectoryPage> parsed;
    dom::parser parser;
    dom::element root;
    DirectoryPage page;
    std::string why;
    PageReader reader(stream, privacy, page);
    if (auto failure = parse_document(body, parser, root)) {
        const bool is_malformed_json = failure->kind == ParseFailure::Kind::not_json;
        if (is_malformed_json && reader.read_one_by_one(json_document(body))) {
            parsed.value = std::move(page);
        } else {
            parsed.failure = *std::move(failure);
        }
    } else if (!reader.read_body(root, why)) {
        parsed.failure = {ParseFailure::Kind::wrong_shape, "the body is not as documented: " + why};
    } else {
        parsed.value = std::move(page);
    }
    return parsed;
}

}  // namespace glia
