// Encodes rows of a table: in binary for COPY of new rows, or as JSON for statements that merge.
// By hand: libpqxx has no binary COPY, and Boost.JSON cannot insert existing JSON text (`extra`) without
// parsing it, which rounds its numbers. Measured by encode_rows in tests/bench.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/content_hash.hpp"
#include "sinks/fields/field.hpp"
#include "sinks/records.hpp"

namespace glia::postgres {

/// A table by its name and the columns that are written, in the order of the cells.
struct Table {
    std::string_view name;
    std::span<const std::string_view> columns;
};

/// Rows of one table, encoded as they are added. Call one function per cell, in the order of the table's
/// columns, each matching its column's type: binary COPY depends on both. TableOf (tables.hpp) ensures them.
class Rows {
  public:
    enum class Encoding { copy, json };

    Rows(const Table& table, Encoding encoding);

    bool empty() const { return rows_ == 0; }
    const Table& table() const { return table_; }
    /// Encoded as JSON: an array for json_populate_recordset.
    std::string finished() &&;
    /// Encoded for COPY: one element per COPY, in the order of the rows. PostgreSQL (15 and 17) buffers up to
    /// 1,000 rows of a COPY, or 64 KiB of text, and finds each buffered row by walking past the others. So
    /// the cost of a COPY is quadratic in the number of buffered rows.
    std::vector<std::string> slices() &&;

    void begin_row();
    void text(std::string_view value);  ///< text
    void text(const std::string& value) { text(std::string_view(value)); }
    void text(const OptionalText& value) { value ? text(std::string_view(*value)) : null(); }
    void text(const RecordText& value) { value ? text(*value) : null(); }
    void json(std::string_view value);  ///< jsonb
    void json(const OptionalText& value) { value ? json(std::string_view(*value)) : null(); }
    void json(const RecordText& value) { value ? json(*value) : null(); }
    void texts(const std::optional<std::vector<std::string>>& value);  ///< text[]; not for COPY
    void time(const OptionalInstant& value);                           ///< timestamptz
    void number(const OptionalInteger& value);                         ///< bigint
    void position(std::size_t value);                                  ///< integer
    void flag(const OptionalFlag& value);                              ///< boolean
    void hash(const std::optional<RecordHash>& value);                 ///< bytea

    /// Adds a cell for a field of this kind.
    template <FieldKind kKind, typename Value>
    void cell(const Value& value) {
        if constexpr (kKind == FieldKind::id || kKind == FieldKind::text) text(value);
        if constexpr (kKind == FieldKind::json) json(value);
        if constexpr (kKind == FieldKind::time) time(value);
        if constexpr (kKind == FieldKind::seconds || kKind == FieldKind::number) number(value);
        if constexpr (kKind == FieldKind::position) position(value);
        if constexpr (kKind == FieldKind::flag) flag(value);
        if constexpr (kKind == FieldKind::hash) hash(value);
        if constexpr (kKind == FieldKind::texts) texts(value);
        static_assert(kKind != FieldKind::list);
    }

  private:
    void null();
    void name_member();
    void begin_slice();
    void end_slice();
    template <typename Integer>
    void binary(Integer value);

    const Table& table_;
    bool copy_;
    std::string data_;                 // the JSON, or the slice being filled
    std::vector<std::string> slices_;  // full slices
    std::size_t rows_ = 0;
    std::size_t column_ = 0;
    bool first_member_ = true;
};

}  // namespace glia::postgres
