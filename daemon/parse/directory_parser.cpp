#include "daemon/parse/directory_parser.hpp"

#include <simdjson.h>

#include <algorithm>
#include <span>
#include <type_traits>
#include <unordered_map>

#include "daemon/base/utf8.hpp"
#include "daemon/parse/dom_values.hpp"
#include "daemon/parse/json_repair.hpp"
#include "daemon/parse/value_reader.hpp"
#include "sinks/fields/directory_fields.hpp"
#include "sinks/json_text.hpp"
#include "sinks/time_zone_names.hpp"

namespace glia {
namespace {

namespace dom = simdjson::dom;

// Each reads a value into its target: none for null. False, and none, for a value of another type.

bool read(dom::element value, OptionalText& target) {
    return read_text(value, target);
}
bool read(dom::element value, OptionalInstant& target) {
    return read_time(value, target);
}
bool read(dom::element value, OptionalFlag& target) {
    bool flag = false;
    target.reset();
    if (value.is_null()) return true;
    if (value.get(flag) != simdjson::SUCCESS) return false;
    target = flag;
    return true;
}
bool read(dom::element value, OptionalSeconds& target) {
    std::int64_t number = 0;
    target.reset();
    if (value.is_null()) return true;
    if (value.get(number) != simdjson::SUCCESS) return false;
    target = number;
    return true;
}
bool read(dom::element value, OptionalTexts& target) {
    dom::array list;
    target.reset();
    if (value.is_null()) return true;
    if (value.get(list) != simdjson::SUCCESS) return false;
    std::vector<std::string> texts;
    for (const dom::element element : list) {
        std::string_view text;
        if (element.get(text) != simdjson::SUCCESS) return false;
        texts.push_back(without_nul(text));
    }
    target = std::move(texts);
    return true;
}

/// The record's list in DirectoryRecords, its fields, and the members that are left out.
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

/// Reads the members of an object within the record: its documented one, and beside it what goes to `extra`.
template <typename Field, typename Entry>
bool read_inner(dom::element value, Entry& entry, std::vector<JsonMember>& extra) {
    (entry.*Field::member).reset();
    if (value.is_null()) return true;
    if (!value.is_object()) return false;
    std::vector<JsonMember> beside;
    for (const auto [name, inner] : dom::object(value)) {
        if (name != Field::inner.view() || !read(inner, entry.*Field::member))
            beside.emplace_back(without_nul(name), canonical_member(inner));
    }
    if (const OptionalText text = object_of(beside)) extra.emplace_back(Field::name.view(), *text);
    return true;
}

/// True if the member is one of the list's fields, and now where it belongs.
template <typename Fields>
bool read_member(std::string_view name, dom::element value, typename Fields::Record& entry,
                 std::vector<JsonMember>& extra) {
    bool taken = false;
    Fields::for_each([&]<typename F>() {
        if constexpr (F::is_api_member) {
            if (F::name.view() != name) return;
            if constexpr (!F::inner.empty()) {
                taken = read_inner<F>(value, entry, extra);
            } else {
                taken = read(value, entry.*F::member);
                if constexpr (F::kind == FieldKind::id) {
                    if (entry.*F::member && !is_id(*(entry.*F::member))) {
                        taken = false;
                        (entry.*F::member).reset();
                    }
                }
            }
        }
    });
    return taken;
}

// What is derived from several members.

void complete(OperatorEntry&, dom::object) {}
void complete(SiteEntry& site, dom::object members) {
    dom::element hostnames;  // the deprecated form
    if (!site.addresses && members["hostnames"].get(hostnames) == simdjson::SUCCESS)
        read(hostnames, site.addresses);
    if (site.time_zone) site.iana_time_zone = iana_time_zone(*site.time_zone);
}
void complete(QueueEntry& queue, dom::object members) {
    for (const char* holder : {"routing_policy", "available_properties"}) {
        dom::element media;
        if (!queue.media && members[holder]["media"].get(media) == simdjson::SUCCESS)
            read(media, queue.media);
    }
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
        OptionalText link;
        if (root["next_page"].get(member) == simdjson::SUCCESS && !read(member, link)) {
            why = "next_page is not a string";
            return false;
        }
        if (link && !link->empty()) page_.next_page = std::move(link);
        return true;
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
    void refuse(const std::string& reason) { page_.rejected.push_back(reason); }

  private:
    void read_list(dom::element list) {
        for (const dom::element element : dom::array(list)) read_record(element);
    }

    template <typename Entry>
    void read_entry(dom::element element) {
        if (!element.is_object()) return refuse("the record is not an object");
        const dom::object object = element;
        const auto transient = Kind<Entry>::kTransient;
        Entry entry;
        std::vector<JsonMember> extra;
        for (const auto [name, value] : object) {
            if (std::find(transient.begin(), transient.end(), name) != transient.end()) continue;
            if (!read_member<typename Kind<Entry>::Fields>(name, value, entry, extra))
                extra.emplace_back(without_nul(name), canonical_member(value));
        }
        if (!entry.id || !is_engagement_id(*entry.id)) return refuse("id is missing or cannot be stored");
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
    std::unordered_map<std::string, std::size_t> places_;  // of two with one id the last counts
};

}  // namespace

Parsed<DirectoryPage> parse_directory(Stream stream, std::string& body, const Privacy& privacy) {
    Parsed<DirectoryPage> parsed;
    const std::string_view text = json_document(body);
    if (!simdjson::validate_utf8(text.data(), text.size())) {
        parsed.failure = {ParseFailure::Kind::invalid_utf8, "the body is not valid UTF-8"};
        return parsed;
    }
    dom::parser parser;
    dom::element root;
    DirectoryPage page;
    std::string why;
    PageReader reader(stream, privacy, page);
    const auto error = parser.parse(repair_for_dom(text)).get(root);
    if (error != simdjson::SUCCESS) {
        parsed.failure = {ParseFailure::Kind::not_json,
                          std::string("the body is not valid JSON: ") + simdjson::error_message(error)};
    } else if (!reader.read_body(root, why)) {
        parsed.failure = {ParseFailure::Kind::wrong_shape, "the body is not as documented: " + why};
    } else {
        parsed.value = std::move(page);
    }
    return parsed;
}

}  // namespace glia
