#include "sinks/postgres/rows.hpp"

#include <boost/endian/conversion.hpp>
#include <chrono>

#include "sinks/invariant.hpp"
#include "sinks/json_text.hpp"

namespace glia::postgres {

namespace {

// Times travel in COPY's binary format as microseconds since 2000-01-01.
constexpr std::chrono::microseconds kPostgresEpoch{946'684'800'000'000};
// jsonb's binary form begins with the version of the form.
constexpr char kJsonbVersion = 1;
constexpr std::int32_t kNull = -1;
// Rows per COPY. Balances the cost per statement and the cost of the server's buffer (see Rows::slices()).
constexpr std::size_t kSlice = 256;

}  // namespace

Rows::Rows(const Table& table, Encoding encoding) : table_(table), copy_(encoding == Encoding::copy) {
    if (!copy_) data_ = "[";
}

template <typename Integer>
void Rows::binary(Integer value) {
    boost::endian::native_to_big_inplace(value);
    data_.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void Rows::begin_slice() {
    // The signature, no flags, no header extension.
    static constexpr std::string_view kHead{"PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19};
    data_ = kHead;
}

void Rows::end_slice() {
    binary(std::int16_t{-1});
    slices_.push_back(std::move(data_));
}

void Rows::begin_row() {
    if (copy_ && rows_ % kSlice == 0) {
        if (rows_ > 0) end_slice();
        begin_slice();
    }
    ++rows_;
    column_ = 0;
    if (copy_) {
        binary(static_cast<std::int16_t>(table_.columns.size()));
        return;
    }
    data_ += rows_ == 1 ? "{" : "},{";
    first_member_ = true;
}

std::string Rows::finished() && {
    data_ += rows_ == 0 ? "]" : "}]";
    return std::move(data_);
}

std::vector<std::string> Rows::slices() && {
    if (rows_ > 0) end_slice();
    return std::move(slices_);
}

void Rows::null() {
    // json_populate_recordset sets missing members to NULL.
    ++column_;
    if (copy_) binary(kNull);
}

void Rows::name_member() {
    if (!first_member_) data_.push_back(',');
    first_member_ = false;
    append_json_string(data_, table_.columns[column_++]);
    data_.push_back(':');
}

void Rows::text(std::string_view value) {
    if (copy_) {
        ++column_;
        binary(static_cast<std::int32_t>(value.size()));
        data_ += value;
        return;
    }
    name_member();
    append_json_string(data_, value);
}

void Rows::json(std::string_view value) {
    if (copy_) {
        ++column_;
        binary(static_cast<std::int32_t>(value.size() + 1));
        data_.push_back(kJsonbVersion);
    } else {
        name_member();
    }
    data_ += value;
}

void Rows::texts(const std::optional<std::vector<std::string>>& value) {
    check_invariant(!copy_, "lists of texts are written as JSON");
    if (!value) return null();
    name_member();
    data_.push_back('[');
    for (const std::string& text : *value) {
        if (data_.back() != '[') data_.push_back(',');
        append_json_string(data_, text);
    }
    data_.push_back(']');
}

void Rows::time(const OptionalInstant& value) {
    if (!value) return null();
    if (!copy_) return text(to_text(*value));
    ++column_;
    binary(std::int32_t{8});
    binary(std::int64_t{(value->time_since_epoch() - kPostgresEpoch).count()});
}

void Rows::number(const OptionalInteger& value) {
    if (!value) return null();
    if (copy_) {
        ++column_;
        binary(std::int32_t{8});
        binary(*value);
        return;
    }
    name_member();
    data_ += std::to_string(*value);
}

void Rows::position(std::size_t value) {
    if (!copy_) return number(static_cast<std::int64_t>(value));
    ++column_;
    binary(std::int32_t{4});
    binary(static_cast<std::int32_t>(value));
}

void Rows::flag(const OptionalFlag& value) {
    if (!value) return null();
    if (copy_) {
        ++column_;
        binary(std::int32_t{1});
        data_.push_back(*value ? 1 : 0);
        return;
    }
    name_member();
    data_ += *value ? "true" : "false";
}

void Rows::hash(const std::optional<RecordHash>& value) {
    if (!value) return null();
    if (!copy_) return text(to_bytea(*value));
    text(value->bytes());
}

}  // namespace glia::postgres
