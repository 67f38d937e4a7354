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

/// True if the documented member `name` is an object or a list of objects, and `text` is one too. Then `text`
/// holds the extra members of its elements. Otherwise `text` is a value of another type than documented.
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

/// Drops the examples whose members privacy changed or removed.
void drop_examples(UndocumentedMembers& found, const UndocumentedMembers& kept) {
    for (auto& [path, member] : found) {
        const auto same = kept.find(path);
        if (same != kept.end() && same->second == member) continue;
        member.example.clear();
        member.example_of.clear();
    }
}

/// True if privacy has removed everything from a composite.
bool is_bare(std::string_view text) {
    constexpr std::string_view kPlaceholders = "[]{},";
    return text.find_first_not_of(kPlaceholders) == std::string_view::npos;
}

}  // namespace

Privacy::Privacy(PrivacyLevels levels, std::string key) : levels_(levels), key_(std::move(key)) {}

std::string Privacy::pseudonym(std::string_view text) const {
    // Does not hash a pseudonym again: a rejected payload is stored with privacy applied and may be loaded
    // later.
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

/// Applies a level to a JSON value as a whole. The result is JSON.
OptionalText Privacy::json(PrivacyLevel level, OptionalText text) const {
    if (level != PrivacyLevel::hash || !text) return value(level, std::move(text));
    return hashed_json(*text);
}

/// Returns the pseudonym of a JSON string's text, or of any other value's JSON.
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

/// Applies the level of the member's field to `text`. Returns false if the member is to be removed.
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
    // The level of a top-level member also applies to nested members of the same name: an undocumented object
    // may repeat it.
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

/// Applies the levels to the `extra` of an engagement or, if `base` is "legs", of a leg. A documented member
/// in it, which has another type than documented, gets the level of its own field. For an undocumented
/// member, `hash` keeps the name and replaces the whole value by one pseudonym, because nested names may be
/// data.
OptionalText Privacy::extra(std::string_view base, const std::string& object) const {
    std::string why;
    // Documented members of `object` that contain documented members or elements that are not objects.
    std::set<std::string, std::less<>> apply_inside;
    canonical_json(object, why, [&](std::string_view path, std::string_view name, std::string& text) {
        const bool inside = !path.empty() && documented_member(documented_path(base, path), name);
        if (inside) apply_inside.emplace(path.substr(0, path.find('/')));
        if (path.empty() && is_composite(base, name, text) && has_bare_element(text))
            apply_inside.emplace(name);
        return true;
    });
    const auto rule = [&](std::string_view path, std::string_view name, std::string& text) {
        if (!path.empty()) {
            const bool apply = apply_inside.contains(path.substr(0, path.find('/')));
            return !apply || member(documented_path(base, path), name, text, "");
        }
        if (!is_composite(base, name, text)) {
            if (!member(base, name, text, "")) return false;
            return levels_.audio_recording_urls != PrivacyLevel::drop || name != "audio_recording_urls" ||
                   !base.empty();
        }
        if (apply_inside.contains(name)) return !is_bare(text);
        if (levels_.extra == PrivacyLevel::hash) text = hashed_json(text);
        return levels_.extra != PrivacyLevel::drop;
    };
    auto text = canonical_json(object, why, rule);
    return text == "{}" ? std::nullopt : std::move(text);
}

/// Applies the level to the JSON of `audio_recording_urls`: to each element, so that they can be counted, or
/// to the whole value if it is not a list.
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

/// If the level is `hash`, replaces the id in the link, so that the link keeps its form. Replaces the whole
/// link if the id is not its end, or also occurs before.
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

/// Collects the undocumented members before it applies the levels, then drops the examples that the levels
/// change.
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
    UndocumentedOfRecord found = undocumented_of(e);
    for (auto& [object, after] : changed) *object = std::move(after);
    const UndocumentedOfRecord kept = undocumented_of(e);
    if (found == kept) return;
    drop_examples(found.engagement, kept.engagement);
    drop_examples(found.legs, kept.legs);
    e.undocumented_members = std::make_shared<UndocumentedOfRecord>(std::move(found));
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

OperatorPrivacy Privacy::operator_privacy() const {
    const auto stored = [](PrivacyLevel level) {
        using Stored = OperatorPrivacy::Stored;
        if (level == PrivacyLevel::keep) return Stored::all;
        return level == PrivacyLevel::hash ? Stored::pseudonyms : Stored::none;
    };
    return {stored(levels_.operator_name), stored(levels_.operator_contact)};
}

void Privacy::apply(Engagement& e) const {
    if (keep_all()) return;
    if (levels_.visitor_id != PrivacyLevel::keep && e.visitor_id)
        e.visitor_digest = bytes_hash(*e.visitor_id);
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
    // A documented member is in `extra` because it has another type than documented, or no column.
    if (entry.extra) entry.extra = operator_members(*entry.extra);
    if (entry.extra == "{}") entry.extra.reset();
}

PrivacyLevel Privacy::level_of_operator_member(std::string_view name) const {
    PrivacyLevel level = levels_.extra;
    OperatorEntryFields::for_each([&]<typename F>() {
        if (F::is_api_member && F::name.view() == name) level = level_of(F::personal);
    });
    const auto& contact = kOperatorContactMembers;
    const bool is_contact = std::find(contact.begin(), contact.end(), name) != contact.end();
    return is_contact ? levels_.operator_contact : level;
}

/// Applies the levels to an object with members of an operator. Returns none if it is not JSON.
OptionalText Privacy::operator_members(std::string_view object) const {
    const auto rule = [&](std::string_view path, std::string_view name, std::string& text) {
        if (!path.empty()) return true;  // the rule of the enclosing member applies
        const PrivacyLevel level = level_of_operator_member(name);
        if (level == PrivacyLevel::hash) text = hashed_json(text);
        return level != PrivacyLevel::drop;
    };
    std::string why;
    return canonical_json(object, why, rule);
}

std::string Privacy::apply_to_operator(std::string_view json) const {
    const bool all =
        std::max({levels_.operator_name, levels_.operator_contact, levels_.extra}) == PrivacyLevel::keep;
    if (all) return std::string(json);
    const auto record = operator_members(json);
    return record && record->starts_with('{') ? *record : "null";
}

void Privacy::apply(ChatMessage& m) const {
    if (m.sender_type == "operator") m.sender_name = value(levels_.operator_name, std::move(m.sender_name));
    if (keep_all() && levels_.operator_name == PrivacyLevel::keep) return;
    m.message = value(levels_.transcripts, std::move(m.message));
    m.attachment = json(levels_.transcripts, std::move(m.attachment));
    m.metadata = json(levels_.transcripts, std::move(m.metadata));
    // The name of any sender other than an operator or the system may be the visitor's.
    const bool is_staff_or_system = m.sender_type == "operator" || m.sender_type == "system";
    m.extra = message_extra(std::move(m.extra), m.sender_type.value_or(""));
    if (is_staff_or_system) return;
    m.sender_name = value(levels_.visitor_name, std::move(m.sender_name));
    m.sender_href = value(levels_.visitor_id, std::move(m.sender_href));
}

/// Applies the levels to a message's `extra`. A documented member in it, which has another type than
/// documented, gets the level of its own field. The member "value" is a message that is not an object.
OptionalText Privacy::message_extra(OptionalText object, std::string_view sender_type) const {
    if (!object) return object;
    const PrivacyLevel sender_name = sender_type == "operator" ? levels_.operator_name
                                     : sender_type == "system" ? PrivacyLevel::keep
                                                               : levels_.visitor_name;
    const bool is_staff_or_system = sender_type == "operator" || sender_type == "system";
    const auto level_of = [&](std::string_view path, std::string_view name, std::string_view text) {
        if (path == "sender") {
            if (name == "type") return PrivacyLevel::keep;
            if (name == "name") return sender_name;
            if (name == "href") return is_staff_or_system ? PrivacyLevel::keep : levels_.visitor_id;
            return levels_.extra;
        }
        if (!path.empty()) return PrivacyLevel::keep;  // the rule of the enclosing member applies
        if (name == "id" || name == "created_at" || name == "type") return PrivacyLevel::keep;
        if (name == "message" || name == "attachment" || name == "metadata") return levels_.transcripts;
        // A message that is not an object, or not JSON, may contain any member's data: the strictest level
        // applies.
        if (name == "value")
            return std::max({levels_.transcripts, levels_.visitor_name, levels_.visitor_id,
                             levels_.operator_name, levels_.extra});
        if (name == "sender") return text.starts_with('{') ? PrivacyLevel::keep : sender_name;
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
    OptionalText id;  // the visitor's; needed for the link, which may come first
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
