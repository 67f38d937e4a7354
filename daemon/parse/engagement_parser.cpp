#include "daemon/parse/engagement_parser.hpp"

#include "daemon/parse/canonical_json.hpp"
#include "daemon/parse/record_reader.hpp"
#include "sinks/content_hash.hpp"

namespace glia {
namespace {

namespace od = simdjson::ondemand;

static_assert(EngagementParser::kSpare >= simdjson::SIMDJSON_PADDING);

// An engagement is large to move: room for a page from the start.
constexpr std::size_t kUsualPage = 100;

/// `text` for as long as records borrow from it. It is copied if it has not the room that simdjson needs
/// behind it, or room for another one, which would be kept for nothing.
std::shared_ptr<RecordMemory> memory_of(std::string&& text) {
    const std::size_t needed = text.size() + simdjson::SIMDJSON_PADDING;
    if (text.capacity() < needed || text.capacity() > 2 * needed) {
        std::string fitting;
        fitting.reserve(needed);
        fitting = text;
        text = std::move(fitting);
    }
    // Beside the texts there are the lists. With legs they take about half of what the body does, and without
    // an eighth.
    const std::size_t lists = text.size() / 4;
    return std::make_shared<RecordMemory>(lists, std::move(text));
}

simdjson::padded_string_view view(const std::string& text) {
    return simdjson::padded_string_view(text.data(), text.size(), text.capacity());
}

ParseFailure not_json(simdjson::error_code error) {
    return {error == simdjson::UTF8_ERROR ? ParseFailure::Kind::invalid_utf8 : ParseFailure::Kind::not_json,
            std::string("the body is not valid JSON: ") + simdjson::error_message(error)};
}

ParseFailure wrong_shape(const std::string& what) {
    return {ParseFailure::Kind::wrong_shape, what};
}

/// JSON, but not what a body is to be.
struct WrongShape {
    const char* what;
};

}  // namespace

struct EngagementParser::Impl {
    Privacy privacy;
    od::parser parser;
    od::parser record_parser;
    RecordReader reader;

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
            const simdjson::padded_string padded(repair_escapes(raw));
            od::document document = record_parser.iterate(padded);
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
            // As an element even a scalar is a value.
            const auto memory = memory_of("[" + repair_escapes(raw) + "]");
            od::document document = record_parser.iterate(view(memory->body()));
            for (auto entry : document.get_array()) {
                od::value value = entry.value();
                Engagement engagement;
                reader.read(value, record_parser, memory, engagement);
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

    // Each of the two throws BadRecord or simdjson_error at the first bad record; `slow`, it reads each
    // record alone instead. What it then throws tells what is wrong with the body as a whole.

    void read_into(ParsedPage& page, const std::shared_ptr<RecordMemory>& memory, bool slow) {
        bool complete = false;
        od::document document = parser.iterate(view(memory->body()));
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
                    reader.read(record, parser, memory, engagement);
                    privacy.apply(engagement);
                }
            } else if (key == "next_page") {
                const RecordText link = read_text(value, key);
                page.next_page = link && !(*link).empty() ? OptionalText(link.str()) : std::nullopt;
            }
        }
        expect_end(document);
        if (!complete) throw WrongShape{"the body has no list of engagements"};
    }

    void read_into(ParsedDetail& detail, const std::shared_ptr<RecordMemory>& memory, bool slow) {
        od::document document = parser.iterate(view(memory->body()));
        if (!slow) {
            od::value value = document.get_value();
            reader.read(value, parser, memory, detail.engagement.emplace());
            privacy.apply(*detail.engagement);
            return expect_end(document);
        }
        od::object object = document.get_object();
        const std::string_view raw = trimmed(object.raw_json().value());
        expect_end(document);
        std::vector<Engagement> engagements;
        std::vector<RejectedRecord> rejected;
        read_alone(raw, engagements, rejected);
        if (!engagements.empty()) {
            detail.engagement = std::move(engagements.front());
        } else {
            detail.rejected = std::move(rejected.front());
        }
    }

    static void expect_end(od::document& document) {
        if (document.current_location().error() == simdjson::SUCCESS)
            throw simdjson::simdjson_error(simdjson::TRAILING_CONTENT);
    }

    template <typename T>
    Parsed<T> parsed(std::string& body) {
        Parsed<T> result;
        const auto memory = memory_of(std::move(body));
        // Nearly always every record is good and one walk does.
        try {
            read_into(result.value.emplace(), memory, false);
            return result;
        } catch (const BadRecord&) {
        } catch (const WrongShape&) {
        } catch (const simdjson::simdjson_error&) {
        }
        try {
            read_into(result.value.emplace(), memory, true);
            return result;
        } catch (const BadRecord& bad) {
            result.failure = wrong_shape("the body is not as documented: " + bad.reason);
        } catch (const WrongShape& wrong) {
            result.failure = wrong_shape(wrong.what);
        } catch (const simdjson::simdjson_error& error) {
            result.failure = error.error() == simdjson::INCORRECT_TYPE
                                 ? wrong_shape("the body is not as documented")
                                 : not_json(error.error());
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
