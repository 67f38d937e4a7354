#include "daemon/parse/privacy.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <set>

#include "daemon/parse/canonical_json.hpp"
#include "daemon/parse/json_repair.hpp"
#include "sinks/content_hash.hpp"
#include "sinks/fields/directory_fields.hpp"
#include "sinks/fields/documented.hpp"
#include "sinks/fields/engagement_fields.hpp"
#include "sinks/json_text.hpp"

namespace glia {
namespace {

constexpr std::string_view kMark = "hmac:";
constexpr std::string_view kDigits = "0123456789abcdef";

bool is_pseudonym(std::string_view text) {
    return text.starts_with(kMark) && text.size() == kMark.size() + 64 &&
           text.find_first_not_of(kDigits, kMark.size()) == std::string_view::npos;
}

/// True if a documented member of this name is an object, or a list of objects, and `text` is one too: then
/// `text` holds what its elements have beyond their columns. Else it is a value of another type.
bool is_composite(std::string_view path, std::string_view name, std::string_view text) {
    using Shape = DocumentedMember::Shape;
    const auto member = documented_member(path, name);
    if (!member) return false;
    return (member->shape == Shape::object && text.starts_with('{')) ||
           (member->shape == Shape::list_of_objects && text.starts_with('['));
}

/// True if an element of the list is not an object.
bool has_bare_element(const std::string& list) {
    simdjson::dom::parser parser;
    simdjson::dom::array elements;
    if (parser.parse(repair_for_dom(list)).get(elements) != simdjson::SUCCESS) return false;
    return std::any_of(elements.begin(), elements.end(),
                       [](simdjson::dom::element element) { return !element.is_object(); });
}

/// Drops the examples that privacy changed or left out.
void drop_examples(UndocumentedMembers& told, const UndocumentedMembers& kept) {
    for (auto& [path, member] : told) {
        const auto same = kept.find(path);
        if (same != kept.end() && same->second == member) continue;
        member.example.clear();
        member.example_of.clear();
    }
}

/// True if nothing is left of what a composite held.
bool is_bare(std::string_view text) {
    constexpr std::string_view kPlaceholders = "[]{},";
    return text.find_first_not_of(kPlaceholders) == std::string_view::npos;
}

}  // namespace

Privacy::Privacy(PrivacyLevels levels, std::string key) : levels_(levels), key_(std::move(key)) {}

std::string Privacy::pseudonym(std::string_view text) const {
    // What was replaced before stays: a rejected payload is loaded again as it was stored.
    if (is_pseudonym(text)) return std::string(text);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
    return std::string(kMark) + to_hex({digest.data(), size});
}

OptionalText Privacy::stored_visitor_id(std::string_view id) const {
    return value(levels_.visitor_id, std::string(id));
}

OptionalText Privacy::value(PrivacyLevel level, OptionalText text) const {
    if (level == PrivacyLevel::keep || !text) return text;
    if (level == PrivacyLevel::drop) return std::nullopt;
    return pseudonym(*text);
}

/// Of a JSON value as a whole, which stays one.
OptionalText Privacy::json(PrivacyLevel level, OptionalText text) const {
    if (level != PrivacyLevel::hash || !text) return value(level, std::move(text));
    return hashed_json(*text);
}

/// Of a text, the pseudonym of the text; of anything else, that of its JSON.
std::string Privacy::hashed_json(const std::string& text) const {
    return json_quote(pseudonym(json_unquote(text).value_or(text)));
}

PrivacyLevel Privacy::level_of(PersonalData data) const {
    switch (data) {
        case PersonalData::none:
            return PrivacyLevel::keep;
        case PersonalData::visitor_name:
            return levels_.visitor_name;
        case PersonalData::visitor_id:
            return levels_.visitor_id;
        case PersonalData::audio_recording_urls:
            return levels_.audio_recording_urls;
        case PersonalData::operator_name:
            return levels_.operator_name;
        case PersonalData::operator_contact:
            return levels_.operator_contact;
    }
    return PrivacyLevel::drop;
}

/// True if the member stays; its text is changed as the level of the field asks.
bool Privacy::member(std::string_view path, std::string_view name, std::string& text,
                     std::string_view visitor_id) const {
    if (path == "visitor" && name == "href") {
        if (levels_.visitor_id == PrivacyLevel::keep) return true;
        const OptionalText href = visitor_href(json_unquote(text).value_or(text), visitor_id);
        if (href) text = json_quote(*href);
        return href.has_value();
    }
    if (path.empty() && name == "audio_recording_urls") {
        text = urls(text);
        return true;
    }
    // A name of the top counts below it, too: an undocumented object may repeat it.
    auto documented = documented_member(path, name);
    const auto named = documented ? documented : documented_member("", name);
    const bool personal = named && named->personal != PersonalData::none &&
                          (documented || named->shape == DocumentedMember::Shape::value) &&
                          !is_composite(path, name, text);
    const PrivacyLevel level = personal     ? level_of(named->personal)
                               : documented ? PrivacyLevel::keep
                                            : levels_.extra;
    if (level == PrivacyLevel::hash) text = hashed_json(text);
    return level != PrivacyLevel::drop;
}

/// Of `extra`, of an engagement or, with `base` "legs", of a leg. A documented member that is there because
/// it is of another type goes by the level of its own field. Of an undocumented one, `hash` keeps the name,
/// and what is below it becomes one pseudonym, because names further down may be data.
OptionalText Privacy::extra(std::string_view base, const std::string& object) const {
    std::string why;
    // Documented members whose insides hold documented members themselves.
    std::set<std::string, std::less<>> mixed;
    canonical_json(object, why, [&](std::string_view path, std::string_view name, std::string& text) {
        const bool inside = !path.empty() && documented_member(documented_path(base, path), name);
        if (inside) mixed.emplace(path.substr(0, path.find('/')));
        if (path.empty() && is_composite(base, name, text) && has_bare_element(text)) mixed.emplace(name);
        return true;
    });
    const auto rule = [&](std::string_view path, std::string_view name, std::string& text) {
        if (!path.empty()) {
            const bool apply = mixed.contains(path.substr(0, path.find('/')));
            return !apply || member(documented_path(base, path), name, text, "");
        }
        if (!is_composite(base, name, text)) {
            if (!member(base, name, text, "")) return false;
            return levels_.audio_recording_urls != PrivacyLevel::drop || name != "audio_recording_urls" ||
                   !base.empty();
        }
        if (mixed.contains(name)) return !is_bare(text);
        if (levels_.extra == PrivacyLevel::hash) text = hashed_json(text);
        return levels_.extra != PrivacyLevel::drop;
    };
    auto text = canonical_json(object, why, rule);
    return text == "{}" ? std::nullopt : std::move(text);
}

/// Of a list of recordings, as a rejected record holds it.
std::string Privacy::urls(const std::string& list) const {
    if (levels_.audio_recording_urls == PrivacyLevel::keep) return list;
    simdjson::dom::parser parser;
    simdjson::dom::array elements;
    if (parser.parse(repair_for_dom(list)).get(elements) != simdjson::SUCCESS)
        return json(levels_.audio_recording_urls, list).value_or("null");
    std::string out;
    for (const simdjson::dom::element element : elements) {
        const std::string text = simdjson::minify(element);
        const bool nothing = levels_.audio_recording_urls == PrivacyLevel::drop || text == "null";
        out += (out.empty() ? "[" : ",") + (nothing ? std::string("null") : hashed_json(text));
    }
    return out.empty() ? "[]" : out + "]";
}

/// With the id in it replaced, so that the link still tells where it leads; as a whole where it does not show
/// the id.
OptionalText Privacy::visitor_href(std::string_view href, std::string_view id) const {
    if (levels_.visitor_id != PrivacyLevel::hash) return value(levels_.visitor_id, std::string(href));
    const std::size_t slash = href.rfind('/');
    const bool shows_id = !id.empty() && slash != std::string::npos && href.substr(slash + 1) == id;
    if (!shows_id || href.find(id) != slash + 1) return pseudonym(href);
    return std::string(href.substr(0, slash + 1)) + pseudonym(id);
}

void Privacy::apply(PrivacyLevel level, RecordText& text) const {
    if (level != PrivacyLevel::keep && text) text = value(level, text.str());
}

/// Undocumented members are collected before, without the examples that are not the same after.
void Privacy::apply_to_extras(Engagement& e) const {
    std::vector<std::pair<RecordText*, OptionalText>> changed;
    const auto apply_to = [&](std::string_view base, RecordText& object) {
        if (!object) return;
        OptionalText after = extra(base, object.str());
        if (after != object.str()) changed.emplace_back(&object, std::move(after));
    };
    apply_to("", e.extra);
    if (e.legs) {
        for (Leg& leg : *e.legs) apply_to("legs", leg.extra);
    }
    if (changed.empty()) return;
    UndocumentedOfRecord told = undocumented_of(e);
    for (auto& [object, after] : changed) *object = std::move(after);
    const UndocumentedOfRecord kept = undocumented_of(e);
    if (told == kept) return;
    drop_examples(told.engagement, kept.engagement);
    drop_examples(told.legs, kept.legs);
    e.undocumented = std::make_shared<UndocumentedOfRecord>(std::move(told));
}

ForbiddenExamples Privacy::forbidden_examples() const {
    ForbiddenExamples forbidden;
    forbidden.unknown = levels_.extra != PrivacyLevel::keep;
    EngagementFields::for_each([&]<typename F>() {
        if (level_of(F::personal) == PrivacyLevel::keep) return;
        const std::string name(F::name.view());
        forbidden.members.push_back(F::inner.empty() ? name : name + "." + std::string(F::inner.view()));
        if (F::kind == FieldKind::list) forbidden.members.push_back(name + "[]");
    });
    return forbidden;
}

void Privacy::apply(Engagement& e) const {
    if (keep_all()) return;
    if (levels_.visitor_id != PrivacyLevel::keep && e.visitor_id) e.visitor_mark = bytes_hash(*e.visitor_id);
    if (e.visitor_href) e.visitor_href = visitor_href(*e.visitor_href, e.visitor_id.value_or(""));
    EngagementFields::for_each([&]<typename F>() {
        if constexpr (F::personal == PersonalData::none || !F::inner.empty()) {
            return;  // the visitor's link has its own rule above
        } else if constexpr (F::kind == FieldKind::list) {
            for (RecordText& text : e.*F::member) apply(level_of(F::personal), text);
        } else {
            apply(level_of(F::personal), e.*F::member);
        }
    });
    const bool any_leg = e.legs && std::any_of(e.legs->begin(), e.legs->end(),
                                               [](const Leg& leg) { return leg.extra.has_value(); });
    if (e.extra || any_leg) apply_to_extras(e);
}

void Privacy::apply(OperatorEntry& entry) const {
    OperatorEntryFields::for_each([&]<typename F>() {
        if constexpr (F::personal != PersonalData::none)
            entry.*F::member = value(level_of(F::personal), std::move(entry.*F::member));
    });
    if (!entry.extra) return;
    // A documented member is there because it is of another type, or has no column.
    const auto level_of_member = [this](std::string_view name) {
        PrivacyLevel level = levels_.extra;
        OperatorEntryFields::for_each([&]<typename F>() {
            if (F::is_api_member && F::name.view() == name) level = level_of(F::personal);
        });
        const auto& contact = kOperatorContactMembers;
        const bool reaches = std::find(contact.begin(), contact.end(), name) != contact.end();
        return reaches ? levels_.operator_contact : level;
    };
    const auto rule = [&](std::string_view path, std::string_view name, std::string& text) {
        if (!path.empty()) return true;  // goes with what it is in
        const PrivacyLevel level = level_of_member(name);
        if (level == PrivacyLevel::hash) text = hashed_json(text);
        return level != PrivacyLevel::drop;
    };
    std::string why;
    entry.extra = canonical_json(*entry.extra, why, rule);
    if (entry.extra == "{}") entry.extra.reset();
}

void Privacy::apply(ChatMessage& m) const {
    if (m.sender_type == "operator") m.sender_name = value(levels_.operator_name, std::move(m.sender_name));
    if (keep_all()) return;
    m.message = value(levels_.transcripts, std::move(m.message));
    m.attachment = json(levels_.transcripts, std::move(m.attachment));
    m.metadata = json(levels_.transcripts, std::move(m.metadata));
    // Of a sender that is nobody of the contact centre's, the name may be the visitor's.
    const bool employed = m.sender_type == "operator" || m.sender_type == "system";
    m.extra = message_extra(std::move(m.extra), employed);
    if (employed) return;
    m.sender_name = value(levels_.visitor_name, std::move(m.sender_name));
    m.sender_href = value(levels_.visitor_id, std::move(m.sender_href));
}

/// Of a message's `extra`. A member that is there because it is of another type goes by the level of its own
/// field; "value" is a message that is no object at all.
OptionalText Privacy::message_extra(OptionalText object, bool employed) const {
    if (!object) return object;
    const auto level_of = [&](std::string_view path, std::string_view name, std::string_view text) {
        const auto of_visitor = [&](PrivacyLevel level) { return employed ? PrivacyLevel::keep : level; };
        if (path == "sender") {
            if (name == "type") return PrivacyLevel::keep;
            if (name == "name") return of_visitor(levels_.visitor_name);
            if (name == "href") return of_visitor(levels_.visitor_id);
            return levels_.extra;
        }
        if (!path.empty()) return PrivacyLevel::keep;  // goes with what it is in
        if (name == "id" || name == "created_at" || name == "type") return PrivacyLevel::keep;
        if (name == "message" || name == "attachment" || name == "metadata") return levels_.transcripts;
        // A message that is no object, or no JSON: any of its members may be in it.
        if (name == "value")
            return std::max({levels_.transcripts, levels_.visitor_name, levels_.visitor_id, levels_.extra});
        if (name == "sender") return text.starts_with('{') ? PrivacyLevel::keep : levels_.visitor_name;
        return levels_.extra;
    };
    const auto rule = [&](std::string_view path, std::string_view name, std::string& text) {
        const PrivacyLevel level = level_of(path, name, text);
        if (level == PrivacyLevel::hash) text = hashed_json(text);
        return level != PrivacyLevel::drop && !(path.empty() && name == "sender" && text == "{}");
    };
    std::string why;
    auto text = canonical_json(*object, why, rule);
    return text == "{}" ? std::nullopt : std::move(text);
}

std::string Privacy::apply_to_json(std::string_view text) const {
    if (keep_all()) return std::string(text);
    std::string why;
    OptionalText id;  // of the visitor; it may stand behind the link that holds it
    canonical_json(text, why, [&](std::string_view path, std::string_view member, std::string& inner) {
        if (path.empty() && member == "visitor_id") id = json_unquote(inner);
        return true;
    });
    const auto transform = [&](std::string_view path, std::string_view name, std::string& inner) {
        return member(path, name, inner, id.value_or(""));
    };
    const auto record = canonical_json(text, why, transform);
    return record && record->starts_with('{') ? *record : "null";
}

}  // namespace glia
