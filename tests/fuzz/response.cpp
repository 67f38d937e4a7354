// Any bytes as the response to a request. The first byte decides the kind of the response and the size of the
// pieces in which they arrive: the result must not depend on that size.
#include "daemon/api/response_reader.hpp"

#include <cstdlib>

namespace {

using glia::ResponseReader;
using State = ResponseReader::State;

struct Read {
    State state = State::head;
    int status = 0;
    std::string body;
    std::size_t used = 0;
    bool operator==(const Read&) const = default;
};

Read read(std::string_view bytes, std::size_t step, ResponseReader::Kind kind) {
    ResponseReader reader(10'000, kind);
    Read result;
    std::size_t there = 0;
    while (reader.state() == State::head || reader.state() == State::body) {
        const std::size_t used = reader.feed(bytes.substr(result.used, there - result.used));
        result.used += used;
        if (used > 0 || reader.state() == State::failed) continue;
        if (there == bytes.size()) {
            reader.end();
            break;
        }
        there = std::min(bytes.size(), there + step);
    }
    result.state = reader.state();
    if (result.state == State::done) {
        result.status = reader.status();
        if (result.status / 100 == 1) std::abort();
        result.body = reader.take_body();
        if (result.body.size() > 10'000) std::abort();
        reader.headers();
        reader.keep_alive();
    } else {
        result.used = 0;  // how many bytes of a broken response are consumed does not matter
    }
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    const auto kind = data[0] & 1 ? ResponseReader::Kind::tunnel : ResponseReader::Kind::response;
    const std::size_t step = 1 + data[0] / 2;
    if (!(read(bytes, step, kind) == read(bytes, std::max<std::size_t>(1, bytes.size()), kind))) std::abort();
    return 0;
}
