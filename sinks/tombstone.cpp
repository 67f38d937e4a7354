#include "sinks/tombstone.hpp"

#include <algorithm>

#include "sinks/content_hash.hpp"
#include "sinks/stream.hpp"

namespace glia {

const char* kind_of_person(std::string_view source) {
    return name_of(source == name_of(Stream::operators) ? Tombstone::Kind::listed_operator
                                                        : Tombstone::Kind::visitor);
}

std::vector<ContentHash> possible_person_digests(std::string_view payload) {
    std::vector<ContentHash> digests;
    std::size_t begin = payload.find('"');
    while (begin != std::string_view::npos) {
        const std::size_t end = payload.find('"', begin + 1);
        if (end == std::string_view::npos) break;
        const std::string_view text = payload.substr(begin + 1, end - begin - 1);
        digests.push_back(bytes_hash(text));
        const std::size_t slash = text.rfind('/');
        if (slash != std::string_view::npos) digests.push_back(bytes_hash(text.substr(slash + 1)));
        begin = end;  // in broken JSON any quote may open a string, so each one is tried
    }
    std::sort(digests.begin(), digests.end());
    digests.erase(std::unique(digests.begin(), digests.end()), digests.end());
    return digests;
}

}  // namespace glia
