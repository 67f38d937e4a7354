#include "daemon/parse/statistics_parser.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "daemon/base/utf8.hpp"
#include "daemon/parse/dom_values.hpp"
#include "daemon/parse/json_repair.hpp"
#include "daemon/parse/page_splitter.hpp"
#include "daemon/parse/value_reader.hpp"
#include "sinks/fields/statistics_fields.hpp"

namespace glia {
namespace {

namespace dom = simdjson::dom;

/// Reads a non-negative number and rounds it; null empties `target`. Anything else empties it too and returns
/// false.
bool read_measure(dom::element value, OptionalInteger& target) {
    constexpr double kLargest = 9e15;  // what a double holds exactly
    double number = 0;
    target.reset();
    if (value.is_null()) return true;
    if (value.get(number) != simdjson::SUCCESS || !(number >= 0 && number < kLargest)) return false;
    target = std::llround(number);
    return true;
}

/// Reads a dimension's value: a text, or a flag or number as its text; null is an empty text. False for
/// anything else, and for a text that is too long (is_id()).
bool read_dimension(dom::element value, std::string& target) {
    std::string_view text;
    target.clear();
    if (value.is_null()) return true;
    if (value.is_object() || value.is_array()) return false;
    if (value.get(text) == simdjson::SUCCESS) {
        target = without_nul(text);
    } else {
        target = simdjson::minify(value);
    }
    return is_id(target);
}

template <typename Row>
struct FieldsOf;
template <>
struct FieldsOf<QueueWaitCount> {
    using Type = QueueWaitFields;
};
template <>
struct FieldsOf<HandleCount> {
    using Type = HandleFields;
};
template <>
struct FieldsOf<WrapUpCount> {
    using Type = WrapUpFields;
};
template <>
struct FieldsOf<OperatorStateTime> {
    using Type = OperatorStateFields;
};

/// The measure that the API's `seconds` fills if `total_duration_in_seconds` is missing. Null for operators'
/// states, where `seconds` has its own field.
template <typename Row>
OptionalInteger* total_of(Row& row) {
    return &row.total_seconds;
}
OptionalInteger* total_of(OperatorStateTime&) {
    return nullptr;
}

/// Reads the elements of one source into rows.
template <typename Row>
class ElementReader {
  public:
    using Fields = typename FieldsOf<Row>::Type;

    ElementReader(StatisticsSource source, const std::string& site_id, const StatisticsInterval& interval,
                  StatisticsPage& page)
        : path_("statistics." + std::string(name_of(source)) + "[]."),
          site_id_(site_id),
          interval_(interval),
          page_(page) {}

    void read(dom::element element) {
        if (!element.is_object()) return reject(simdjson::minify(element), "the element is not an object");
        Row row;
        row.interval_start = interval_.start;
        row.interval_seconds = interval_.length.count();
        const dom::object object = element;
        bool readable = true;
        for (const auto [name, value] : object) readable = read_member(name, value, row) && readable;
        if (!readable)
            return reject(simdjson::minify(element), "a dimension is not a text that can be stored");
        if (row.site_id.empty()) row.site_id = site_id_;
        if (row.site_id != site_id_) return;
        dom::element seconds;
        if (OptionalInteger* total = total_of(row);
            total && !*total && object["seconds"].get(seconds) == simdjson::SUCCESS)
            read_measure(seconds, *total);
        add(std::move(row));
    }
    /// Reads an element that has not been parsed yet.
    void read(std::string_view text) {
        dom::element element;
        if (parse_document(text, parser_, element)) return reject(text, "the element is malformed");
        read(element);
    }
    void finish() {
        std::vector<Row> rows;
        for (auto& [key, row] : rows_) rows.push_back(std::move(row));
        page_.rows = std::move(rows);
    }

  private:
    using Key = std::vector<std::string>;

    /// `payload`: may hold NUL, which PostgreSQL does not store.
    void reject(std::string_view payload, std::string reason) {
        page_.rejected.push_back({std::nullopt, without_nul(payload), std::move(reason)});
    }

    void note(std::string_view name, UndocumentedKind kind) {
        UndocumentedMember& member = page_.undocumented_members[path_ + without_nul(name)];
        member.kind = kind;
        ++member.times;
    }

    /// Returns false if a dimension, which is part of the row's key, cannot be read.
    bool read_member(std::string_view name, dom::element value, Row& row) {
        bool known = false, read = true, dimension = false;
        Fields::for_each([&]<typename F>() {
            if constexpr (F::is_api_member) {
                if (F::name.view() != name) return;
                known = true;
                dimension = F::kind == FieldKind::id;
                if constexpr (F::kind == FieldKind::id) {
                    read = read_dimension(value, row.*F::member);
                } else {
                    read = read_measure(value, row.*F::member);
                }
            }
        });
        const auto& derived = kStatisticsMembersWithoutColumn;
        if (!known && std::find(derived.begin(), derived.end(), name) == derived.end())
            note(name, UndocumentedKind::unknown);
        if (!read) note(name, UndocumentedKind::type);
        return read || !dimension;
    }

    void add(Row row) {
        Key key;
        Fields::for_each([&]<typename F>() {
            if constexpr (F::kind == FieldKind::id) key.push_back(row.*F::member);
        });
        const auto place = rows_.emplace(std::move(key), row);
        if (place.second) return;
        Row& known = place.first->second;
        Fields::for_each([&]<typename F>() {
            if constexpr (F::is_api_member && F::kind == FieldKind::number) {
                OptionalInteger& sum = known.*F::member;
                const OptionalInteger& other = row.*F::member;
                if (!other) return;
                const bool maximum = F::column.view() == "maximum_seconds";
                sum = !sum ? *other : maximum ? std::max(*sum, *other) : *sum + *other;
            }
        });
    }

    std::string path_;
    const std::string& site_id_;
    const StatisticsInterval& interval_;
    StatisticsPage& page_;
    std::map<Key, Row> rows_{};
    dom::parser parser_;
};

/// `elements`: parsed ones, or their texts.
template <typename Row, typename Elements>
void read_elements(const Elements& elements, StatisticsSource source, const std::string& site_id,
                   const StatisticsInterval& interval, StatisticsPage& page) {
    ElementReader<Row> reader(source, site_id, interval, page);
    for (const auto element : elements) reader.read(element);
    reader.finish();
}

template <typename Elements>
void read_response(const Elements& elements, StatisticsSource source, const std::string& site_id,
                   const StatisticsInterval& interval, StatisticsPage& page) {
    switch (source) {
        case StatisticsSource::queue_wait:
            return read_elements<QueueWaitCount>(elements, source, site_id, interval, page);
        case StatisticsSource::handle:
            return read_elements<HandleCount>(elements, source, site_id, interval, page);
        case StatisticsSource::wrap_up:
            return read_elements<WrapUpCount>(elements, source, site_id, interval, page);
        case StatisticsSource::operator_state:
            return read_elements<OperatorStateTime>(elements, source, site_id, interval, page);
    }
}

}  // namespace

Parsed<StatisticsPage> parse_statistics(StatisticsSource source, const std::string& site_id,
                                        const StatisticsInterval& interval, std::string& body) {
    Parsed<StatisticsPage> parsed;
    dom::parser parser;
    dom::element root;
    dom::array elements;
    if (auto failure = parse_document(body, parser, root)) {
        // Elements are read one by one, so that one that is not JSON costs only itself.
        const bool is_malformed_json = failure->kind == ParseFailure::Kind::not_json;
        if (const auto texts = is_malformed_json ? split_list(json_document(body)) : std::nullopt) {
            read_response(*texts, source, site_id, interval, parsed.value.emplace());
        } else {
            parsed.failure = *std::move(failure);
        }
    } else if (root.get(elements) == simdjson::SUCCESS) {
        read_response(elements, source, site_id, interval, parsed.value.emplace());
    } else {
        parsed.failure = {ParseFailure::Kind::wrong_shape, "the body is not as documented: it is not a list"};
    }
    return parsed;
}

}  // namespace glia
