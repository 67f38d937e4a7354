#include "sinks/postgres/stored_cells.hpp"

#include <array>

#include "sinks/timestamp.hpp"

namespace glia::postgres {

bool is_stored_as(const Cell& stored, const OptionalInstant& value) {
    if (!stored || !value) return !stored && !value;
    // The text form is 2024-01-01 12:00:00.5+00 with the settings of our transactions.
    constexpr std::size_t kTimeBegins = 10;
    constexpr std::string_view kUtc = "+00";
    std::array<char, 40> iso{};
    if (stored->size() <= kTimeBegins || stored->size() >= iso.size() || !stored->ends_with(kUtc))
        return false;
    const std::size_t length = stored->copy(iso.data(), stored->size() - kUtc.size());
    iso[kTimeBegins] = 'T';
    iso[length] = 'Z';
    Instant time;
    return parse_timestamp(std::string_view(iso.data(), length + 1), time) && time == *value;
}

bool is_stored_as_json(const Cell& stored, const RecordText& value) {
    if (!stored || !value) return !stored && !value;
    const std::string_view canonical = *value;
    std::size_t at = 0;
    bool in_text = false;
    for (std::size_t i = 0; i < stored->size(); ++i) {
        const char c = (*stored)[i];
        // Skips the spaces that PostgreSQL writes after colons and commas.
        if (!in_text && c == ' ') continue;
        if (at == canonical.size() || canonical[at++] != c) return false;
        const bool is_escaped = i > 0 && (*stored)[i - 1] == '\\';
        if (c == '"' && !is_escaped) in_text = !in_text;
    }
    return at == canonical.size();
}

}  // namespace glia::postgres
