#include "daemon/parse/engagement_parser.hpp"

#include "daemon/base/utf8.hpp"
#include "daemon/parse/canonical_json.hpp"
#include "daemon/parse/json_repair.hpp"
#include "daemon/parse/object_reader.hpp"
#include "daemon/parse/page_splitter.hpp"
#include "daemon/parse/record_reader.hpp"
#include "sinks/content_hash.hpp"

namespace glia {
namespace {

namespace od = simdjson::ondemand;

static_assert(EngagementParser::kSpare >= simdjson::SIMDJSON_PADDING);

// Capacity of the list of records: moving engagements on reallocation would be expensive.
constexpr std::size_t kUsualPage = 100;

/// Keeps `text` alive while records borrow from it. Copies it if its capacity lacks simdjson's padding, or is
/// so large that keeping it would waste memory.
std::shared_ptr<RecordMemory> memory_of(std::string&& text) {
    const std::size_t needed = text.size() + simdjson::SIMDJSON_PADDING;
    if (text.capacity() < needed || text.capacity() > 2 * needed) {
        std::string fitting;
        fitting.reserve(needed);
        fitting = text;
        text = std::move(fitting);
    }
    // The arena also holds the lists: about half of the body's size with legs, an eighth without.
    const std::size_t lists = text.size() / 4;
    return std::make_shared<RecordMemory>(lists, std::move(text));
}

/// The document in a body that `memory` keeps.
simdjson::padded_string_view view(RecordMemory& memory) {
    const std::string& body = memory.body();
    const std::string_view document = json_document(body);
    const auto skipped = static_cast<std::size_t>(document.data() - body.data());
    return simdjson::padded_string_view(document.data(), document.size(), body.capacity() - skipped);
}

ParseFailure wrong_shape(const std::string& what) {
    return {ParseFailure::Kind::wrong_shape, what};
}

/// The body is JSON, but not of the documented form.
struct WrongShape {
    const char* what;
};

/// Reads next_page. Returns none, which means the last page, for null and "".
OptionalText link_of(od::value& value) {
    RecordText link;
    if (!read_text(value, link)) throw WrongShape{"next_page is not a string"};
    return link && !(*link).empty() ? OptionalText(link.str()) : std::nullopt;
}

/// Throws WrongShape for an object that is not a page. A page may lack its list, because the API omits empty
/// members or sends null (spec: api-facts). Then `next_page` has to be its only member.
void expect_page(bool has_list, bool has_link, std::size_t other_members) {
    if (!has_list && (!has_link || other_members > 0))
        throw WrongShape{"the body has no list of engagements"};
}

}  // namespace

struct EngagementParser::Impl {
    Privacy privacy;
    od::parser parser;
    od::parser record_parser;
    RecordReader reader;
    std::string malformed{};  // why read_alone() refused its text

    RejectedRecord rejection(std::string_view raw, std::string reason) {
        // PostgreSQL stores neither NUL nor invalid UTF-8.
        const std::string payload =
            privacy.keep_all() ? without_nul(repair_utf8(raw)) : privacy.apply_to_json(raw);
        RejectedRecord rejected{std::nullopt, payload, std::move(reason)};
        identify(raw, rejected);
        return rejected;
    }

    /// Finds which engagement and visitor a bad record belongs to, as far as it can be read.
    void identify(std::string_view raw, RejectedRecord& rejected) {
        const RecordText id = text_of(find_member(raw, "id")),
                         visitor = text_of(find_member(raw, "visitor_id"));
        if (id && is_engagement_id(*id)) rejected.engagement_id = id.str();
        if (visitor) rejected.visitor_digest = bytes_hash(*visitor);
    }
    RecordText text_of(std::optional<std::string_view> json) {
        RecordText text;
        if (!json) return text;
        try {
            const simdjson::padded_string padded("[" + repair_json(*json) + "]");
            od::document document = record_parser.iterate(padded);
            for (auto entry : document.get_array()) {
                od::value value = entry.value();
                read_text(value, text);
            }
        } catch (const simdjson::simdjson_error&) {
            text.reset();
        }
        return text;
    }

    /// Parses one record from its own text: first as received, then after repair_json(), which changes broken
    /// tokens only. Returns false, with the reason in `malformed`, if the repaired text is not JSON.
    bool read_alone(std::string_view raw, std::vector<Engagement>& engagements,
                    std::vector<RejectedRecord>& rejected) {
        try {
            engagements.push_back(read_text_of_record(std::string(raw), ParseMode::strict));
            return true;
        } catch (const BadRecord&) {
        } catch (const simdjson::simdjson_error&) {
        }
        try {
            // The canonical form has no duplicate names. A record that is nested too deep has no canonical
            // form.
            std::string why;
            auto text = canonical_json(raw, why);
            engagements.push_back(
                read_text_of_record(text ? std::move(*text) : repair_json(raw), ParseMode::repaired));
        } catch (const BadRecord& bad) {
            rejected.push_back(rejection(raw, bad.reason));
        } catch (const simdjson::simdjson_error& error) {
            malformed = std::string("the record is malformed: ") + error.what();
            return false;
        }
        return true;
    }
    Engagement read_text_of_record(std::string text, ParseMode mode) {
        // simdjson returns a scalar as a value only inside a list.
        const auto memory = memory_of("[" + std::move(text) + "]");
        Engagement engagement;
        od::document document = record_parser.iterate(view(*memory));
        for (auto entry : document.get_array()) {
            od::value value = entry.value();
            reader.read(value, record_parser, memory, mode, engagement);
        }
        privacy.apply(engagement);
        return engagement;
    }

    // The fast path, for a page without a fault: one pass, which throws BadRecord, WrongShape or
    // simdjson_error at the first fault.

    void read_fast(ParsedPage& page, const std::shared_ptr<RecordMemory>& memory) {
        bool has_list = false, has_link = false;
        std::size_t other_members = 0;
        od::document document = parser.iterate(view(*memory));
        for (auto entry : document.get_object()) {
            const std::string_view key = entry.unescaped_key();
            od::value value = entry.value();
            if (key == "engagements") {
                page.engagements.clear();
                has_list = true;
                if (is_null(value)) continue;
                page.engagements.reserve(kUsualPage);
                for (auto element : value.get_array()) {
                    od::value record = element.value();
                    Engagement& engagement = page.engagements.emplace_back();
                    reader.read(record, parser, memory, ParseMode::strict, engagement);
                    privacy.apply(engagement);
                }
            } else if (key == "next_page") {
                has_link = true;
                page.next_page = link_of(value);
            } else {
                ++other_members;
            }
        }
        expect_end(document);
        expect_page(has_list, has_link, other_members);
    }
    void read_fast(ParsedDetail& detail, const std::shared_ptr<RecordMemory>& memory) {
        od::document document = parser.iterate(view(*memory));
        od::value value = document.get_value();
        reader.read(value, parser, memory, ParseMode::strict, detail.engagement.emplace());
        privacy.apply(*detail.engagement);
        expect_end(document);
    }
    static void expect_end(od::document& document) {
        if (document.current_location().error() == simdjson::SUCCESS)
            throw simdjson::simdjson_error(simdjson::TRAILING_CONTENT);
    }

    // The slow path, after a fault: splits the page and parses each record alone. Returns false if the body
    // is not JSON; throws WrongShape if it is JSON of another form.

    bool read_one_by_one(ParsedPage& page, std::string_view text, std::string& why) {
        ElementSink sink;
        sink.restart = [&page] {
            page.engagements.clear();
            page.rejected.clear();
        };
        sink.read = [&](std::string_view raw) { return read_alone(raw, page.engagements, page.rejected); };
        sink.refuse = [&](std::string_view raw) {
            page.rejected.push_back(rejection(
                raw, malformed.empty() ? "the record is malformed: its quotes or brackets do not balance"
                                       : malformed));
            malformed.clear();
        };
        malformed.clear();
        const auto split = split_page(text, sink, why);
        if (!split) return false;
        if (split->engagements && split->engagements != "null") throw WrongShape{"engagements is not a list"};
        if (split->next_page) {
            const auto memory = memory_of("[" + repair_json(*split->next_page) + "]");
            od::document document = record_parser.iterate(view(*memory));
            for (auto entry : document.get_array()) {
                od::value value = entry.value();
                page.next_page = link_of(value);
            }
        }
        expect_page(split->has_list || split->engagements, split->next_page.has_value(),
                    split->other_members);
        return true;
    }
    bool read_one_by_one(ParsedDetail& detail, std::string_view text, std::string& why) {
        std::vector<Engagement> engagements;
        std::vector<RejectedRecord> rejected;
        if (!is_balanced_object(text)) {
            why = "the body is not one JSON object";
            return false;
        }
        if (!read_alone(text, engagements, rejected)) rejected.push_back(rejection(text, malformed));
        if (!engagements.empty()) {
            detail.engagement = std::move(engagements.front());
        } else {
            detail.rejected = std::move(rejected.front());
        }
        return true;
    }

    template <typename T>
    Parsed<T> parsed(std::string& body) {
        Parsed<T> result;
        const auto memory = memory_of(std::move(body));
        const std::string_view text = json_document(memory->body());
        std::string why;
        auto error = simdjson::INCORRECT_TYPE;
        try {
            read_fast(result.value.emplace(), memory);
            return result;
        } catch (const BadRecord&) {
        } catch (const WrongShape&) {
        } catch (const simdjson::simdjson_error& no) {
            error = no.error();
        }
        try {
            if (!simdjson::validate_utf8(text.data(), text.size())) {
                result.failure = {ParseFailure::Kind::invalid_utf8, "the body is not valid UTF-8"};
            } else if (read_one_by_one(result.value.emplace(), text, why)) {
                return result;
            } else if (error == simdjson::INCORRECT_TYPE) {
                result.failure = wrong_shape("the body is not as documented: " + why);
            } else {
                result.failure = {ParseFailure::Kind::not_json, std::string("the body is not valid JSON: ") +
                                                                    simdjson::error_message(error)};
            }
        } catch (const WrongShape& wrong) {
            result.failure = wrong_shape(wrong.what);
        } catch (const simdjson::simdjson_error&) {
            result.failure = wrong_shape("next_page is not a string");
        }
        result.value.reset();
        body = std::move(memory->body());
        return result;
    }
};

EngagementParser::EngagementParser(Privacy privacy) : impl_(std::make_unique<Impl>()) {
    impl_->privacy = std::move(privacy);
}
EngagementParser::~EngagementParser() = default;
EngagementParser::EngagementParser(EngagementParser&&) noexcept = default;

Parsed<ParsedPage> EngagementParser::page(std::string& body) {
    return impl_->parsed<ParsedPage>(body);
}

Parsed<ParsedDetail> EngagementParser::detail(std::string& body) {
    return impl_->parsed<ParsedDetail>(body);
}

}  // namespace glia
