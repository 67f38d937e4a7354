// The documented API (spec: engagements) as a small server on loopback, with a control plane on a port of its
// own. config/api.openapi.yaml describes what it serves.
//
//   glia-simulator [--engagements N] [--sites N] [--days N] [--seed N] [--token T] [--legs-in-list] [--gzip]
//                  [--latency-ms N] [--rps N] [--skew-s N] [--tls-cert F --tls-key F]
//
// Prints one line of JSON with its ports, sites and token when it is ready. Control plane (parameters in the
// query):
//   GET  /truth                      every engagement as it is now, a line each
//   GET  /stats                      counters
//   GET  /transcript?id=             an engagement's chat as it is now
//   POST /recordings?how=            json, redirect: how a recording's temporary URL is returned
//        &validator=                 strong, weak, date, none: the validator headers of a recording's file
//        &length=                    of the files from now on; a different length makes a new version
//   POST /mutate?n= /add?n=&ongoing=&ago_s= /end-all /rename-queue?index=&name=
//   POST /fault?kind=&n=&path=&code=&retry_after=&how=&ms=   the next n requests whose path contains `path`
//   fail; kinds:
//        status hang close reset truncate garbage html drip wrong-length huge bad-utf8 bad-gzip bad-record
//        bom next-foreign next-loop cursor-gone dup-items late (the response is computed at once, sent after
//        ms) date (its Date header is ms ahead) recording (its file; how=html page json 204)
//        (bad-record: how=no-id scalar duration control no-comma no-quote, or several, joined by commas)
//   POST /clear /drop-cursors /token?value= /zero     clear: ends all faults; zero: resets the counters
//   POST /remove?id= /bring-back?id= /hide?id= /show?id=   hidden: not listed, but found by its id
//   POST /remember, /restore         restore undoes the changes of engagements since remember
//   GET  /directory                  operators, sites and queues as they are now
//   POST /directory-mutate?n=        changes n operators, a queue and a site
//   POST /directory-rename?kind=&index=&name=  /directory-set?kind=&index=&member=&value=  (value: JSON)
//        /directory-remove?kind=&index=&gone=  /directory-add?n=  /directory-refuse?kind=&code=  (0: no more)
//        /directory-shape?bare=&largest_page=
//   GET  /statistics?from=&to=       the statistics of that time, a line each
//   POST /statistics-mutate?n=&ago_s=  changes n half hours of the last ago_s seconds
//        /statistics-refuse?source=&code=  (0: no more)  /statistics-shape?strange=
#include <zlib.h>

#include <CLI/CLI.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <deque>
#include <fstream>
#include <iostream>
#include <list>
#include <set>
#include <sstream>

#include "daemon/base/http_bytes.hpp"
#include "tests/simulator/directory.hpp"
#include "tests/simulator/statistics.hpp"
#include "tests/simulator/world.hpp"

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using simulator::World;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;
using Query = std::multimap<std::string, std::string>;

struct Options {
    simulator::WorldSettings world;
    int days = 365;
    std::string token = "simulator-token";
    bool legs_in_list = false, gzip = false;
    int latency_ms = 0, rps = 0, skew_s = 0, token_ttl_s = 3600;
    std::string tls_cert, tls_key;
};

struct Fault {
    std::string kind, path, how;
    long left = 1;
    int code = 500;
    std::string retry_after;
    int ms = 0;
};

struct Cursor {
    std::vector<int> sites;
    std::vector<std::string> operators;
    std::optional<std::int64_t> lo, hi;
    std::optional<World::Key> after;
    bool descending = true;
    std::size_t per_page = 30;
};

std::string decode(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            out += static_cast<char>(std::strtol(text.substr(i + 1, 2).c_str(), nullptr, 16));
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

std::pair<std::string, Query> split(const std::string& target) {
    const std::size_t mark = target.find('?');
    Query query;
    if (mark != std::string::npos) {
        std::istringstream rest(target.substr(mark + 1));
        for (std::string pair; std::getline(rest, pair, '&');) {
            const std::size_t equals = pair.find('=');
            query.emplace(decode(pair.substr(0, equals)),
                          equals == std::string::npos ? "" : decode(pair.substr(equals + 1)));
        }
    }
    return {target.substr(0, mark), query};
}

std::string value(const Query& query, const std::string& key, const std::string& otherwise = {}) {
    const auto found = query.find(key);
    return found == query.end() ? otherwise : found->second;
}

std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::string http_date(std::int64_t ms) {
    const std::time_t seconds = ms / 1000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[64];
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return text;
}

std::string compress(const std::string& body) {
    z_stream stream{};
    deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&stream, body.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
    stream.avail_in = static_cast<uInt>(body.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

/// Computes responses to requests. No sockets.
class Api {
  public:
    explicit Api(const Options& options)
        : options_(options),
          world_(options.world),
          directory_(world_, options.world.seed),
          statistics_(world_, options.world.seed) {
        tokens_.insert(options.token);
    }

    World& world() { return world_; }
    simulator::Directory& directory() { return directory_; }
    simulator::Statistics& statistics() { return statistics_; }
    int port = 0;
    bool redirect_recordings = false;
    std::string recording_validator = "strong";
    std::size_t recording_length = 300'000;
    std::map<std::string, long> stats;
    std::list<Fault> faults;

    std::int64_t server_now() const { return now_ms() + options_.skew_s * 1000LL; }

    /// Returns the fault for this request, if any.
    std::optional<Fault> take_fault(const std::string& path, const std::set<std::string>& kinds) {
        for (auto fault = faults.begin(); fault != faults.end(); ++fault) {
            if (!kinds.count(fault->kind) || path.find(fault->path) == std::string::npos) continue;
            const Fault hit = *fault;
            ++stats["fault:" + hit.kind];
            if (--fault->left <= 0) faults.erase(fault);
            return hit;
        }
        return std::nullopt;
    }

    Response respond(const Request& request) {
        const auto [path, query] = split(std::string(request.target()));
        ++stats["requests"];
        Response response = route(request, path, query);
        ++stats["code:" + std::to_string(response.result_int())];
        return response;
    }

    Response reply(int status, std::string body) const {
        Response response{static_cast<http::status>(status), 11};
        response.set(http::field::content_type, "application/json");
        response.body() = std::move(body);
        return response;
    }

    void drop_cursors() { cursors_.clear(); }
    void set_token(const std::string& token) { tokens_ = {token}; }

  private:
    Response error(int status, const std::string& what) const {
        return reply(status, "{\"error\":\"" + what + "\",\"debug_message\":\"simulated\"}");
    }

    Response route(const Request& request, const std::string& path, const Query& query) {
        const auto method = request.method();
        if (path.ends_with("/tokens") && method == http::verb::post) return mint(request, path);
        if (path.starts_with("/recording-files/")) return recording_file(request, path);
        const std::string bearer(request[http::field::authorization]);
        if (!bearer.starts_with("Bearer ") || !tokens_.count(bearer.substr(7)))
            return error(401, "unauthorized");
        if (request[http::field::accept] != "application/vnd.salemove.v1+json")
            return error(406, "not_acceptable");
        if (options_.rps > 0 && over_limit()) {
            Response refused = error(429, "too_many_requests");
            refused.set(http::field::retry_after, "1");
            return refused;
        }
        if (path == "/engagements" && method == http::verb::get) return list(query);
        if (path == "/engagements/queue/wait_duration")
            return reply(200, "{\"average_duration_in_seconds\":122}");
        if (path.starts_with("/sub_engagements/")) return recording(path);
        if (method == http::verb::post && path.find("/stats/") != std::string::npos) {
            const bool with_broken_record = take_fault(path, {"bad-record"}).has_value();
            if (auto response = statistics_.respond(path, query, server_now(), with_broken_record)) {
                ++stats["statistics"];
                return reply(response->status, std::move(response->body));
            }
        }
        if (path.starts_with("/engagements/")) return single(request, path.substr(13));
        if (method == http::verb::get) {
            const bool with_broken_record =
                path == "/operators" && take_fault(path, {"bad-record"}).has_value();
            if (auto response = directory_.respond(path, query, origin(), with_broken_record)) {
                ++stats["directory"];
                return reply(response->status, std::move(response->body));
            }
        }
        return reply(404, "{\"error_msg\":\"404 Route Not Found\"}");
    }

    bool over_limit() {
        const std::int64_t second = now_ms() / 1000;
        if (second != second_) {
            second_ = second;
            in_second_ = 0;
        }
        return ++in_second_ > options_.rps;
    }

    Response mint(const Request& request, const std::string& path) {
        if (request.body().find("\"api_key_id\":\"key-id\"") == std::string::npos ||
            request.body().find("\"api_key_secret\":\"key-secret\"") == std::string::npos) {
            return error(401, "unauthorized");
        }
        const std::string token = "minted-" + std::to_string(++minted_);
        tokens_.insert(token);
        ++stats["minted"];
        if (path == "/sites/tokens") return reply(200, "{\"access_token\":\"" + token + "\"}");
        return reply(
            200, "{\"token\":\"" + token + "\",\"expires_in\":" + std::to_string(options_.token_ttl_s) + "}");
    }

    Response recording(const std::string& path) {
        if (++recordings_[path] == 1) return reply(204, "");  // still being made
        const std::string url = origin() + "/recording-files" + path.substr(path.rfind('/')) +
                                "?signature=s3cret-" + std::to_string(++signed_);
        if (!redirect_recordings) return reply(200, "{\"url\":\"" + url + "\"}");
        Response response = reply(302, "");
        response.set(http::field::location, url);
        return response;
    }

    /// A response that looks successful but has no recording.
    std::optional<Response> no_recording(const std::string& path) {
        const auto fault = take_fault(path, {"recording"});
        if (!fault) return std::nullopt;
        const std::string page = "\n<!DOCTYPE html><html><h1>Sign in</h1></html>";
        const bool typed = fault->how == "html" || fault->how == "json";
        Response response =
            reply(fault->how == "204" ? 204 : 200, fault->how == "html" || fault->how == "page" ? page
                                                   : fault->how == "json" ? "{\"error\":\"gone\"}"
                                                                          : "");
        response.set(http::field::content_type, !typed                 ? "audio/mpeg"
                                                : fault->how == "html" ? "text/html; charset=utf-8"
                                                                       : "application/json");
        return response;
    }

    /// The server of the recordings' files, which in reality is another one: needs no token and supports
    /// ranges.
    Response recording_file(const Request& request, const std::string& path) {
        ++stats["recording_files"];
        if (!request[http::field::authorization].empty()) ++stats["token_given_away"];
        if (auto other = no_recording(path)) return *other;
        const std::string strong = "\"v" + std::to_string(recording_length) + "\"";
        std::string file = "ID3" + path + strong;
        while (file.size() < recording_length) file += std::to_string(file.size()) + path;
        const std::string written = "Mon, 01 Jan 2024 00:00:00 GMT";
        std::string range(request[http::field::range]);
        const std::string condition(request[http::field::if_range]);
        if (!range.empty() && condition.empty()) ++stats["recording_ranges_without_condition"];
        if (!condition.empty() && condition != strong && condition != written) range.clear();
        Response response = reply(200, file);
        if (range.starts_with("bytes=")) {
            const auto from = static_cast<std::size_t>(std::atoll(range.c_str() + 6));
            ++stats["recording_ranges"];
            response = from >= file.size() ? reply(416, "") : reply(206, file.substr(from));
            response.set(http::field::content_range, "bytes " + std::to_string(from) + "-" +
                                                         std::to_string(file.size() - 1) + "/" +
                                                         std::to_string(file.size()));
        }
        if (recording_validator == "strong") response.set(http::field::etag, strong);
        if (recording_validator == "weak") response.set(http::field::etag, "W/" + strong);
        if (recording_validator == "date" || recording_validator == "weak")
            response.set(http::field::last_modified, written);
        response.set(http::field::content_type, "audio/mpeg");
        return response;
    }

    Response single(const Request& request, const std::string& rest) {
        const std::string id = decode(rest.substr(0, rest.find('/')));
        const std::string what = rest.find('/') == std::string::npos ? "" : rest.substr(rest.find('/') + 1);
        const auto number = world_.find(id);
        if (!number || world_.is_removed(*number)) return error(404, "not_found");
        if (what.empty() && request.method() == http::verb::get) {
            ++stats["detail"];
            if (take_fault("/engagements/" + id, {"bad-record"}))
                return reply(200, "{\"id\":\"" + id + "\",\"created_at\":\"soon\"}");
            return reply(200, world_.list_item(world_.get(*number), true));
        }
        const bool json = request[http::field::content_type] == "application/json";
        if (what.empty() && request.method() == http::verb::patch) {
            if (!json || request.body().find("\"end\"") == std::string::npos)
                return error(422, "validation_error");
            world_.end(*number,
                       request.body().find("\"error\"") != std::string::npos ? "error" : "operator_left");
            return reply(200, "{\"id\":\"" + id + "\",\"sub_engagement_id\":\"" +
                                  world_.get(*number).legs.back().id + "\"}");
        }
        if (what == "export" && request.method() == http::verb::post) {
            if (!json) return error(415, "unsupported_media_type");
            world_.mark_exported(*number);
            return reply(200, "{\"success\":true}");
        }
        if (what == "chat_transcript" && request.method() == http::verb::get)
            return reply(200, world_.transcript(world_.get(*number)));
        return reply(404, "{\"error_msg\":\"404 Route Not Found\"}");
    }

    Response list(const Query& query) {
        ++stats["list"];
        Cursor cursor;
        if (const std::string name = value(query, "cursor"); !name.empty()) {
            const auto found = cursors_.find(name);
            if (found == cursors_.end() || take_fault("/engagements", {"cursor-gone"}))
                return error(404, "cursor_not_found");
            cursor = found->second;
        } else if (auto refused = read_query(query, cursor)) {
            return *refused;
        }
        return page(cursor);
    }

    std::optional<Response> read_query(const Query& query, Cursor& cursor) {
        for (auto [at, end] = query.equal_range("site_ids[]"); at != end; ++at) {
            const auto site = world_.site(at->second);
            if (!site) return error(403, "forbidden");
            cursor.sites.push_back(*site);
        }
        if (cursor.sites.empty()) return error(422, "site_ids can't be blank");
        for (auto [at, end] = query.equal_range("operator_ids[]"); at != end; ++at)
            cursor.operators.push_back(at->second);
        if (query.count("start_date") && !(cursor.lo = simulator::parse_iso(value(query, "start_date"))))
            return error(400, "start_date");
        if (query.count("end_date") && !(cursor.hi = simulator::parse_iso(value(query, "end_date"))))
            return error(400, "end_date");
        cursor.per_page = static_cast<std::size_t>(std::atoi(value(query, "per_page", "30").c_str()));
        if (cursor.per_page < 1 || cursor.per_page > 100) return error(422, "per_page");
        cursor.descending = value(query, "order", "desc") == "desc";
        return std::nullopt;
    }

    Response page(const Cursor& cursor) {
        std::vector<World::Key> keys;
        std::vector<simulator::Engagement> shown;
        std::optional<World::Key> after = cursor.after;
        // With a filter by operator a page may take several reads.
        while (shown.size() <= cursor.per_page) {
            const auto found = world_.list(cursor.sites, cursor.lo, cursor.hi, after, cursor.descending,
                                           cursor.per_page + 1);
            for (const auto& key : found) {
                simulator::Engagement e = world_.get(key.number);
                const bool wanted = cursor.operators.empty() ||
                                    std::any_of(e.legs.begin(), e.legs.end(), [&](const auto& leg) {
                                        return std::find(cursor.operators.begin(), cursor.operators.end(),
                                                         leg.operator_id) != cursor.operators.end();
                                    });
                if (wanted && world_.is_listed(key.number)) {
                    shown.push_back(std::move(e));
                    keys.push_back(key);
                }
            }
            if (found.size() <= cursor.per_page) break;
            after = found.back();
        }
        const bool more = shown.size() > cursor.per_page;
        if (more) {
            shown.resize(cursor.per_page);
            keys.resize(cursor.per_page);
        }
        std::string next = "null";
        if (more) {
            const std::string name = "c" + std::to_string(++cursor_count_);
            cursors_[name] = cursor;
            cursors_[name].after = keys.back();
            order_.push_back(name);
            if (order_.size() > 20'000) {  // drops old cursors, to bound the memory of a long test
                cursors_.erase(order_.front());
                order_.pop_front();
            }
            next = "\"" + origin() + "/engagements?per_page=" + std::to_string(cursor.per_page) +
                   "&cursor=" + name + "\"";
            if (take_fault("/engagements", {"next-foreign"}))
                next = "\"http://127.0.0.2:" + std::to_string(port) + "/engagements?cursor=x\"";
            if (take_fault("/engagements", {"next-loop"})) {
                const std::string loop =
                    "loop" + std::to_string(cursor.sites.empty() ? 0 : cursor.sites.front());
                cursors_[loop] = cursor;
                next = "\"" + origin() + "/engagements?cursor=" + loop + "\"";
            }
        }
        std::string body = "{\"next_page\":" + next + ",\"engagements\":[";
        const auto bad = shown.empty() ? std::nullopt : take_fault("/engagements", {"bad-record"});
        const bool twice = take_fault("/engagements", {"dup-items"}).has_value();
        constexpr std::size_t kNone = std::string::npos;
        std::vector<std::string> breakages;
        std::istringstream named(bad ? bad->how : "");
        for (std::string how; std::getline(named, how, ',');) breakages.push_back(how);
        if (bad && breakages.empty()) breakages.emplace_back();
        for (std::size_t i = 0; i < shown.size(); ++i) {
            // Breaks the item in the middle of the page; with several breakages, also the items after it.
            const std::size_t breakage = bad && i >= shown.size() / 2 ? i - shown.size() / 2 : kNone;
            const bool is_broken = breakage < breakages.size();
            const std::string item = is_broken ? broken_item(shown[i], breakages[breakage])
                                               : world_.list_item(shown[i], options_.legs_in_list);
            body += (i ? "," : "") + item;
            if (twice && i == 0) body += "," + item;
        }
        return reply(200, body + "]}");
    }

    std::string broken_item(const simulator::Engagement& e, const std::string& how) const {
        if (how == "no-id") return "{\"created_at\":\"2024-01-01T00:00:00Z\"}";
        if (how == "scalar") return "7";
        const std::string item = world_.list_item(e, options_.legs_in_list);
        const std::string open = item.substr(0, item.size() - 1);       // without the last brace
        if (how == "duration") return open + ",\"duration\":\"ten\"}";  // the last of duplicate names is used
        if (how == "control") return open + ",\"t\":\"tab\there\"}";
        if (how == "no-comma") return open + " \"t\":1}";
        if (how == "no-quote") return open + ",\"t\":\"unfinished}";
        return "{\"id\":\"" + e.id + "\",\"created_at\":\"not a date\"}";
    }

    std::string origin() const {
        return (options_.tls_cert.empty() ? "http://127.0.0.1:" : "https://localhost:") +
               std::to_string(port);
    }

    Options options_;
    World world_;
    simulator::Directory directory_;
    simulator::Statistics statistics_;
    std::set<std::string> tokens_;
    std::map<std::string, Cursor> cursors_;
    std::deque<std::string> order_;
    std::map<std::string, int> recordings_;
    int signed_ = 0;
    long cursor_count_ = 0;
    int minted_ = 0;
    std::int64_t second_ = 0;
    int in_second_ = 0;
};

asio::awaitable<void> pause(std::chrono::milliseconds time) {
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(asio::use_awaitable);
}

template <typename Stream>
asio::awaitable<void> write_raw(Stream& stream, std::string bytes) {
    co_await asio::async_write(stream, asio::buffer(bytes), asio::use_awaitable);
}

std::string head(const Response& response, std::size_t length) {
    std::ostringstream out;
    out << "HTTP/1.1 " << response.result_int() << " " << response.reason() << "\r\n";
    for (const auto& field : response) {
        if (field.name() != http::field::content_length)
            out << field.name_string() << ": " << field.value() << "\r\n";
    }
    out << "Content-Length: " << length << "\r\n\r\n";
    return out.str();
}

/// Sends a broken response, after which the connection is closed. Always returns false.
template <typename Stream>
asio::awaitable<bool> send_wrongly(Stream& stream, const Fault& fault, Response& response) {
    std::string& body = response.body();
    if (fault.kind == "reset") {
        beast::get_lowest_layer(stream).set_option(asio::socket_base::linger(true, 0));  // closing sends RST
    } else if (fault.kind == "hang") {
        co_await pause(std::chrono::hours(1));
    } else if (fault.kind == "truncate") {
        std::string bytes = head(response, body.size()) + body.substr(0, body.size() / 2);
        co_await write_raw(stream, std::move(bytes));
    } else if (fault.kind == "wrong-length") {
        std::string bytes = head(response, body.size() + 500) + body;
        co_await write_raw(stream, std::move(bytes));
        co_await pause(std::chrono::milliseconds(300));
    } else if (fault.kind == "drip") {
        std::string bytes = head(response, body.size());
        co_await write_raw(stream, std::move(bytes));
        for (const char c : body) {
            std::string one(1, c);
            co_await write_raw(stream, std::move(one));
            co_await pause(std::chrono::milliseconds(500));
        }
    } else if (fault.kind == "huge") {
        std::string bytes = head(response, std::size_t{400} << 20);
        co_await write_raw(stream, std::move(bytes));
        for (int i = 0; i < 400; ++i) {
            std::string blank(std::size_t{1} << 20, ' ');
            co_await write_raw(stream, std::move(blank));
        }
    }
    co_return false;  // "close": closes without a response
}

const std::set<std::string> kResponseFaults{"status", "hang",     "close",        "truncate", "garbage",
                                            "html",   "drip",     "wrong-length", "huge",     "bad-utf8",
                                            "bom",    "bad-gzip", "late",         "reset",    "date"};

template <typename Stream>
asio::awaitable<void> serve(Stream& stream, Api& api, const Options& options) {
    beast::flat_buffer buffer;
    for (;;) {
        Request request;
        co_await http::async_read(stream, buffer, request, asio::use_awaitable);
        if (options.latency_ms > 0) co_await pause(std::chrono::milliseconds(options.latency_ms));
        const std::string path = split(std::string(request.target())).first;
        const auto fault = api.take_fault(path, kResponseFaults);
        Response response =
            fault && fault->kind == "status"
                ? api.reply(fault->code, "{\"message\":\"injected\",\"debug_message\":\"fault\"}")
                : api.respond(request);
        response.set(http::field::date, http_date(api.server_now()));
        response.set("x-request-id", "sim-" + std::to_string(api.stats["requests"]));
        if (fault) {
            if (fault->kind == "date")
                response.set(http::field::date, http_date(api.server_now() + fault->ms));
            if (fault->kind == "late") co_await pause(std::chrono::milliseconds(fault->ms));
            if (fault->kind == "status" && !fault->retry_after.empty())
                response.set(http::field::retry_after, fault->retry_after);
            if (fault->kind == "garbage") response.body() = std::string("\x00\xff{{{{", 6);
            if (fault->kind == "bom") response.body().insert(0, "\xef\xbb\xbf");
            if (fault->kind == "html") response.body() = "<html><h1>Bad Gateway</h1></html>";
            if (fault->kind == "bad-utf8") {
                if (const auto at = response.body().find("Visitor"); at != std::string::npos)
                    response.body().insert(at, "\xff\xfe");
            }
            static const std::set<std::string> kRaw{"hang", "close", "truncate", "wrong-length",
                                                    "drip", "huge",  "reset"};
            if (kRaw.count(fault->kind)) {
                co_await send_wrongly(stream, *fault, response);
                co_return;
            }
        }
        const bool accepts = request[http::field::accept_encoding].find("gzip") != std::string_view::npos;
        if (fault && fault->kind == "bad-gzip") {
            response.set(http::field::content_encoding, "gzip");
            response.body() = "\x1f\x8b\x08 no gzip at all";
        } else if (options.gzip && accepts && response.body().size() > 200) {
            response.set(http::field::content_encoding, "gzip");
            response.body() = compress(response.body());
        }
        response.keep_alive(request.keep_alive());
        response.prepare_payload();
        co_await write_raw(stream, glia::bytes_of(response));
        if (!request.keep_alive()) co_return;
    }
}

asio::awaitable<void> session(tcp::socket socket, Api& api, const Options& options, asio::ssl::context* tls) {
    try {
        beast::error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        ++api.stats["connections"];
        if (tls) {
            beast::ssl_stream<tcp::socket> stream(std::move(socket), *tls);
            co_await stream.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
            co_await serve(stream, api, options);
        } else {
            co_await serve(socket, api, options);
        }
    } catch (const std::exception&) {
        // the client went away
    }
}

asio::awaitable<void> accept(tcp::acceptor acceptor, Api& api, const Options& options,
                             asio::ssl::context* tls) {
    for (;;) {
        tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
        asio::co_spawn(acceptor.get_executor(), session(std::move(socket), api, options, tls),
                       asio::detached);
    }
}

void control_directory(simulator::Directory& directory, const std::string& path, const Query& query) {
    const auto number = [&](const char* key, int otherwise) {
        return std::atoi(value(query, key, std::to_string(otherwise)).c_str());
    };
    const std::string kind = value(query, "kind", "operators");
    const auto index = static_cast<std::size_t>(number("index", 0));
    if (path == "/directory-mutate") directory.mutate(number("n", 5));
    if (path == "/directory-rename") directory.rename(kind, index, value(query, "name"));
    if (path == "/directory-set") directory.set(kind, index, value(query, "member"), value(query, "value"));
    if (path == "/directory-remove") directory.remove(kind, index, number("gone", 1) != 0);
    if (path == "/directory-add") directory.add_operators(number("n", 1));
    if (path == "/directory-refuse") directory.refuse(kind, number("code", 403));
    if (path == "/directory-shape") {
        directory.set_bare(number("bare", 0) != 0);
        directory.set_largest_page(static_cast<std::size_t>(number("largest_page", 1000)));
    }
}

std::string control_statistics(Api& api, const std::string& path, const Query& query) {
    const auto number = [&](const char* key, int otherwise) {
        return std::atoi(value(query, key, std::to_string(otherwise)).c_str());
    };
    simulator::Statistics& statistics = api.statistics();
    if (path == "/statistics")
        return statistics.truth(simulator::parse_iso(value(query, "from")).value_or(0),
                                simulator::parse_iso(value(query, "to")).value_or(api.server_now()));
    if (path == "/statistics-mutate")
        statistics.mutate(number("n", 10), api.server_now(), number("ago_s", 172'800) * 1000LL);
    if (path == "/statistics-refuse") statistics.refuse(value(query, "source"), number("code", 403));
    if (path == "/statistics-shape") statistics.set_strange(number("strange", 0) != 0);
    return "{}\n";
}

std::string control(Api& api, const std::string& path, const Query& query) {
    const auto number = [&](const char* key, int otherwise) {
        return std::atoi(value(query, key, std::to_string(otherwise)).c_str());
    };
    World& world = api.world();
    if (path == "/truth") {
        std::string out;
        for (std::uint32_t i = 0; i < world.count(); ++i) {
            if (!world.is_removed(i)) out += world.truth(i) + "\n";
        }
        return out;
    }
    if (path == "/stats") {
        std::string out = "{";
        for (const auto& [name, count] : api.stats)
            out += std::string(out.size() > 1 ? "," : "") + "\"" + name + "\":" + std::to_string(count);
        return out + "}\n";
    }
    if (path == "/directory") return api.directory().truth() + "\n";
    if (path.starts_with("/statistics")) return control_statistics(api, path, query);
    if (path.starts_with("/directory-")) control_directory(api.directory(), path, query);
    if (path == "/mutate") world.mutate(number("n", 10));
    if (path == "/remember") world.remember();
    if (path == "/restore") world.restore();
    if (path == "/add")
        world.add(number("n", 1), api.server_now() - number("ago_s", 0) * 1000LL, number("ongoing", 0) != 0);
    if (path == "/end-all") world.end_all();
    if (const auto found = world.find(value(query, "id"))) {
        if (path == "/remove") world.remove(*found);
        if (path == "/bring-back") world.bring_back(*found);
        if (path == "/hide") world.hide(*found);
        if (path == "/show") world.show(*found);
    }
    if (path == "/rename-queue") world.rename_queue(number("index", 0), value(query, "name"));
    if (path == "/transcript") {
        const auto found = world.find(value(query, "id"));
        return found ? world.transcript(world.get(*found)) : "[]";
    }
    if (path == "/recordings") {
        api.redirect_recordings = value(query, "how") == "redirect";
        api.recording_validator = value(query, "validator", "strong");
        api.recording_length = static_cast<std::size_t>(number("length", 300'000));
    }
    if (path == "/clear") api.faults.clear();
    if (path == "/zero") api.stats.clear();
    if (path == "/drop-cursors") api.drop_cursors();
    if (path == "/token") api.set_token(value(query, "value"));
    if (path == "/fault") {
        Fault fault;
        fault.kind = value(query, "kind");
        fault.path = value(query, "path");
        fault.how = value(query, "how");
        fault.left = number("n", 1);
        fault.code = number("code", 500);
        fault.retry_after = value(query, "retry_after");
        fault.ms = number("ms", 0);
        api.faults.push_back(fault);
    }
    return "{}\n";
}

asio::awaitable<void> control_session(tcp::socket socket, Api& api) {
    try {
        beast::flat_buffer buffer;
        Request request;
        co_await http::async_read(socket, buffer, request, asio::use_awaitable);
        const auto [path, query] = split(std::string(request.target()));
        Response response = api.reply(200, control(api, path, query));
        response.keep_alive(false);
        response.prepare_payload();
        co_await write_raw(socket, glia::bytes_of(response));
    } catch (const std::exception&) {
        // the client went away
    }
}

asio::awaitable<void> accept_control(tcp::acceptor acceptor, Api& api) {
    for (;;) {
        tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
        asio::co_spawn(acceptor.get_executor(), control_session(std::move(socket), api), asio::detached);
    }
}

int run(Options options) {
    options.world.to_ms = now_ms() + options.skew_s * 1000LL;
    options.world.from_ms = options.world.to_ms - options.days * 86'400'000LL;
    asio::io_context context{1};
    Api api(options);
    std::unique_ptr<asio::ssl::context> tls;
    if (!options.tls_cert.empty()) {
        tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
        tls->use_certificate_chain_file(options.tls_cert);
        tls->use_private_key_file(options.tls_key, asio::ssl::context::pem);
    }
    const auto loopback = asio::ip::make_address("127.0.0.1");
    tcp::acceptor acceptor(context, {loopback, 0});
    tcp::acceptor controller(context, {loopback, 0});
    api.port = acceptor.local_endpoint().port();
    const int control_port = controller.local_endpoint().port();
    std::ostringstream ready;
    ready << "{\"port\":" << api.port << ",\"control\":" << control_port << ",\"token\":\"" << options.token
          << "\",\"from\":\"" << simulator::iso(options.world.from_ms) << "\",\"to\":\""
          << simulator::iso(options.world.to_ms) << "\",\"sites\":[";
    for (std::size_t i = 0; i < api.world().sites().size(); ++i)
        ready << (i ? ",\"" : "\"") << api.world().sites()[i] << "\"";
    ready << "]}";
    asio::co_spawn(context, accept(std::move(acceptor), api, options, tls.get()), asio::detached);
    asio::co_spawn(context, accept_control(std::move(controller), api), asio::detached);
    asio::signal_set ends(context, SIGTERM, SIGINT);
    ends.async_wait([&](const beast::error_code&, int) { context.stop(); });
    std::cout << ready.str() << std::endl;
    context.run();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("The documented API as a server on loopback, for tests and for trying glia-sync out",
                 "glia-simulator");
    app.add_option("--engagements", options.world.engagements, "How many")->capture_default_str();
    app.add_option("--sites", options.world.sites, "How many")->capture_default_str();
    app.add_option("--days", options.days, "Age of the oldest engagement in days")->capture_default_str();
    app.add_option("--seed", options.world.seed, "The same seed makes the same data")->capture_default_str();
    app.add_option("--ongoing-per-mille", options.world.ongoing_per_mille,
                   "20 times this share of the last day's engagements is ongoing");
    app.add_option("--token", options.token, "The token that is accepted")->capture_default_str();
    app.add_option("--token-ttl-s", options.token_ttl_s, "expires_in of exchanged tokens");
    app.add_flag("--legs-in-list", options.legs_in_list, "List items carry legs");
    app.add_flag("--gzip", options.gzip, "Compress for clients that accept it");
    app.add_option("--latency-ms", options.latency_ms, "Delay before each response");
    app.add_option("--rps", options.rps, "Requests per second; more get 429");
    app.add_option("--skew-s", options.skew_s, "How far the server's clock is ahead");
    app.add_option("--tls-cert", options.tls_cert, "Certificate chain (PEM)");
    app.add_option("--tls-key", options.tls_key, "Its key");
    CLI11_PARSE(app, argc, argv);
    return run(options);
}
