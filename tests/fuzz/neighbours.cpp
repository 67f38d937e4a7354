// A page of several engagements of which one is damaged: all the others load, and nothing else does.
#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "daemon/base/utf8.hpp"
#include "daemon/parse/engagement_parser.hpp"

namespace {

std::string record(int number, const std::string& more) {
    const std::string n = std::to_string(number);
    return R"({"id":"e)" + n +
           R"(","engagement_type":"reactive","created_at":"2017-07-07T13:47:21Z","visitor":{"href":"https://x/v"},"queues":[{"id":"q","name":"Q \"1\""}],)"
           R"("notes":[{"id":"n1","created_at":"2017-01-01"},{"id":"n2","created_at":"2017-01-01"}],)"
           R"("legs":[{"id":"l"}])" +
           more + "}";
}

/// The ids on a page of five, of which the third is `victim`; none if it is no page.
std::vector<std::string> load(const std::string& victim, bool link_first, bool mark) {
    const std::string link = "\"next_page\":\"https://x/?a[]=1\"";
    const std::string list = "\"engagements\":[" + record(1, "") + "," + record(2, "") + "," + victim + "," +
                             record(4, "") + "," + record(5, "") + "]";
    std::string body = mark ? "\xef\xbb\xbf" : "";
    body += "{" + (link_first ? link + "," + list : list + "," + link) + "}";
    static glia::EngagementParser parser;
    const auto parsed = parser.page(body);
    if (!parsed.value) return {};
    if (parsed.value->next_page != "https://x/?a[]=1") std::abort();
    std::vector<std::string> ids;
    for (const auto& engagement : parsed.value->engagements) ids.push_back(engagement.id.str());
    return ids;
}

void expect(const std::vector<std::string>& ids, bool victim_too) {
    const std::set<std::string> seen(ids.begin(), ids.end());
    for (const char* id : {"e1", "e2", "e4", "e5"}) {
        if (!seen.contains(id)) std::abort();
    }
    if (seen.contains("n1") || seen.contains("n2") || (victim_too && !seen.contains("e3"))) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size < 4) return 0;
    const bool link_first = data[0] & 1, mark = data[0] & 2;
    const std::string text(reinterpret_cast<const char*>(data) + 4, size - 4);
    // Whatever text is in a string, the record loads.
    std::string string = glia::repair_utf8(text);
    std::replace(string.begin(), string.end(), '"', '\'');
    expect(load(record(3, ",\"t\":\"" + string + " \""), link_first, mark), true);
    // It also loads with any word or number that is not valid JSON.
    std::string word = string;
    for (char& c : word) {
        const bool ends_word = static_cast<unsigned char>(c) <= 0x20;
        if (ends_word || std::string_view("{}[],:\"").find(c) != std::string_view::npos) c = '_';
    }
    expect(load(record(3, ",\"duration\":1" + word), link_first, mark), true);
    // An added, removed or changed byte costs that record at most.
    std::string victim = record(3, "");
    const std::size_t at = (data[1] * 256u + data[2]) % victim.size();
    const char byte = static_cast<char>(data[3] & 0x7f);
    if (data[0] & 4) {
        victim[at] = byte;
    } else if (data[0] & 8) {
        victim.erase(at, 1);
    } else {
        victim.insert(at, 1, byte);
    }
    expect(load(victim, link_first, mark), false);
    return 0;
}
