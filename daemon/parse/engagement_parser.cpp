#include "daemon/parse/engagement_parser.hpp"

#include "daemon/parse/canonical_json.hpp"
#include "daemon/parse/record_reader.hpp"
#include "sinks/content_hash.hpp"

namespace glia {
namespace {

namespace od = simdjson::ondemand;

// An engagement is large to move: room for a page from the start.
constexpr std::size_t kUsualPage = 100;

ParseFailure not_json(simdjson::error_code error) {
    return {error == simdjson::UTF8_ERROR ? ParseFailure::Kind::invalid_utf8 : ParseFailure::Kind::not_json,
            std::string("the body is not valid JSON: ") + simdjson::error_message(error)};
}

ParseFailure wrong_shape(const std::string& what) {
    return {ParseFailure::Kind::wrong_shape, what};
}

}  // namespace

struct EngagementParser::Impl {
    Privacy privacy;
    od::parser parser;
    od::parser record_parser;
    RecordReader reader;
    std::string padded;

    simdjson::padded_string_view view(std::string& body) {
        if (body.capacity() < body.size() + simdjson::SIMDJSON_PADDING) {
            body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
        }
        return simdjson::padded_string_view(body.data(), body.size(), body.capacity());
    }

    RejectedRecord rejection(std::string_view raw, std::string reason) {
        // A reason begins with the name of the field and shows what stands there.
        const std::string field = reason.substr(0, reason.find(' '));
        if (privacy.hides(field)) reason = field + " cannot be read";
        RejectedRecord rejected{std::nullopt, privacy.apply_to_json(raw), std::move(reason)};
        identify(raw, rejected);
        return rejected;
    }

    /// Whose a record is that is bad otherwise, as far as it tells.
    void identify(std::string_view raw, RejectedRecord& rejected) {
        RecordText id, visitor;
        try {
            padded = repair_escapes(raw);
            od::document document = record_parser.iterate(view(padded));
            for (auto entry : document.get_object()) {
                const std::string_view key = entry.unescaped_key();
                od::value value = entry.value();
                if (key == "id") id = read_id(value, key);
                if (key == "visitor_id" && value.type() == od::json_type::string)
                    visitor = read_text(value, key);
            }
        } catch (const simdjson::simdjson_error&) {
            // what could be read until here is still worth showing
        } catch (const BadRecord&) {
            id.reset();
        }
        if (id && !(*id).empty()) rejected.engagement_id = id.str();
        if (visitor) rejected.visitor_mark = bytes_hash(*visitor);
    }

    /// One record on its own, from its text: escapes repaired, so that they cost at most a character.
    void read_alone(std::string_view raw, std::vector<Engagement>& engagements,
                    std::vector<RejectedRecord>& rejected) {
        std::string reason;
        try {
            padded = "[" + repair_escapes(raw) + "]";  // as an element even a scalar is a value
            reader.begin(record_parser, padded.size());
            od::document document = record_parser.iterate(view(padded));
            for (auto entry : document.get_array()) {
                od::value value = entry.value();
                Engagement engagement;
                reader.read(value, engagement);
                privacy.apply(engagement);
                engagements.push_back(std::move(engagement));
            }
            return;
        } catch (const BadRecord& bad) {
            reason = bad.reason;
        } catch (const simdjson::simdjson_error& error) {
            reason = std::string("the record is malformed: ") + error.what();
        }
        rejected.push_back(rejection(raw, std::move(reason)));
    }

    /// Throws BadRecord or simdjson_error at the first bad record; `slow` reads each record alone instead.
    void read_page(std::string& body, bool slow, ParsedPage& page, bool& complete) {
        // Names and punctuation are about half of a body.
        if (!slow) reader.begin(parser, body.size() / 2);
        od::document document = parser.iterate(view(body));
        for (auto entry : document.get_object()) {
            const std::string_view key = entry.unescaped_key();
            od::value value = entry.value();
            if (key == "engagements") {
                page.engagements.clear();
                page.rejected.clear();
                page.engagements.reserve(kUsualPage);
                complete = true;
                for (auto element : value.get_array()) {
                    od::value record = element.value();
                    if (slow) {
                        read_alone(raw_value(record), page.engagements, page.rejected);
                        continue;
                    }
                    Engagement& engagement = page.engagements.emplace_back();
                    reader.read(record, engagement);
                    privacy.apply(engagement);
                }
            } else if (key == "next_page") {
                const RecordText link = read_text(value, key);
                page.next_page = link && !(*link).empty() ? OptionalText(link.str()) : std::nullopt;
            }
        }
        if (document.current_location().error() == simdjson::SUCCESS)
            throw simdjson::simdjson_error(simdjson::TRAILING_CONTENT);
    }
};

EngagementParser::EngagementParser(Privacy privacy) : impl_(std::make_unique<Impl>()) {
    impl_->privacy = std::move(privacy);
}
EngagementParser::~EngagementParser() = default;
EngagementParser::EngagementParser(EngagementParser&&) noexcept = default;

Parsed<ParsedPage> EngagementParser::page(std::string& body) {
    // Nearly always every record is good and one walk does; else a second walk takes the records one by one.
    for (const bool slow : {false, true}) {
        Parsed<ParsedPage> parsed;
        parsed.value.emplace();
        bool has_engagements = false;
        try {
            impl_->read_page(body, slow, *parsed.value, has_engagements);
            if (has_engagements) return parsed;
            parsed.failure = wrong_shape("the body has no list of engagements");
        } catch (const BadRecord& bad) {
            if (!slow) continue;
            parsed.failure = wrong_shape("the page is not as documented: " + bad.reason);
        } catch (const simdjson::simdjson_error& error) {
            if (!slow && error.error() != simdjson::UTF8_ERROR) continue;
            parsed.failure = error.error() == simdjson::INCORRECT_TYPE
                                 ? wrong_shape("the body is not as documented")
                                 : not_json(error.error());
        }
        parsed.value.reset();
        return parsed;
    }
    return {};
}

Parsed<ParsedDetail> EngagementParser::detail(std::string& body) {
    Parsed<ParsedDetail> parsed;
    try {
        od::document document = impl_->parser.iterate(impl_->view(body));
        od::object object = document.get_object();
        const std::string_view raw = trimmed(object.raw_json().value());
        if (document.current_location().error() == simdjson::SUCCESS)
            throw simdjson::simdjson_error(simdjson::TRAILING_CONTENT);
        std::vector<Engagement> engagements;
        std::vector<RejectedRecord> rejected;
        impl_->read_alone(raw, engagements, rejected);
        parsed.value.emplace();
        if (!engagements.empty()) {
            parsed.value->engagement = std::move(engagements.front());
        } else {
            parsed.value->rejected = std::move(rejected.front());
        }
    } catch (const simdjson::simdjson_error& error) {
        parsed.failure = error.error() == simdjson::INCORRECT_TYPE ? wrong_shape("the body is not an object")
                                                                   : not_json(error.error());
    }
    return parsed;
}

}  // namespace glia
