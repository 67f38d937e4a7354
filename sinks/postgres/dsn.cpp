#include "sinks/postgres/dsn.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <cctype>
#include <memory>

namespace glia::postgres {
namespace {

struct Freed {
    void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, Freed>;

Options parse(const std::string& dsn) {
    char* complaint = nullptr;
    Options options(PQconninfoParse(dsn.c_str(), &complaint));
    PQfreemem(complaint);  // dropped, because it quotes the DSN
    return options;
}

/// A keyword with free text, and the characters allowed in it besides letters, digits, `_`, `-` and `.`.
struct FreeText {
    std::string_view keyword;
    std::string_view characters;
};

// Keywords that are neither listed here nor numbers nor choices are masked: `options` may set anything, and a
// newer libpq may have new secrets.
constexpr FreeText kFreeTexts[] = {
    {"host", ":,/"},         {"hostaddr", ":,"},           {"dbname", "$+ "},
    {"user", "$+ "},         {"application_name", " /:+"}, {"fallback_application_name", " /:+"},
    {"client_encoding", ""}, {"krbsrvname", ""},           {"requirepeer", ""},
    {"service", ""},         {"sslrootcert", "/~+, "},     {"sslcert", "/~+, "},
    {"sslkey", "/~+, "},     {"sslcrl", "/~+, "},          {"sslcrldir", "/~+, "},
    {"passfile", "/~+, "},
};

constexpr std::string_view kNumbers[] = {"port",
                                         "connect_timeout",
                                         "keepalives",
                                         "keepalives_idle",
                                         "keepalives_interval",
                                         "keepalives_count",
                                         "tcp_user_timeout",
                                         "sslcompression",
                                         "sslsni"};

bool is_safe_to_show(const DsnParameter& parameter) {
    const auto& [keyword, value] = parameter;
    const auto consists_of = [&value = value](auto&& belongs) {
        return std::all_of(value.begin(), value.end(), belongs);
    };
    if (std::find(std::begin(kNumbers), std::end(kNumbers), keyword) != std::end(kNumbers))
        return consists_of([](unsigned char c) { return std::isdigit(c) != 0 || c == ',' || c == '-'; });
    if (keyword == "hostaddr")
        return consists_of(
            [](unsigned char c) { return std::isxdigit(c) != 0 || c == ',' || c == '.' || c == ':'; });
    if (const auto choices = dsn_choices(keyword); !choices.empty())
        return std::find(choices.begin(), choices.end(), value) != choices.end();
    const auto* known =
        std::find_if(std::begin(kFreeTexts), std::end(kFreeTexts),
                     [&keyword = keyword](const FreeText& entry) { return entry.keyword == keyword; });
    if (known == std::end(kFreeTexts)) return false;
    // A socket directory begins with a slash. A slash elsewhere comes from a password.
    if (keyword == "host" && value.find('/') != std::string::npos && value.front() != '/') return false;
    return consists_of([&](unsigned char c) {
        return std::isalnum(c) != 0 || c > 0x7f || c == '_' || c == '-' || c == '.' ||
               known->characters.find(static_cast<char>(c)) != std::string_view::npos;
    });
}

}  // namespace

std::vector<std::string> dsn_keywords() {
    std::vector<std::string> keywords;
    const Options options = parse("");
    for (const PQconninfoOption* option = options.get(); option && option->keyword; ++option)
        keywords.emplace_back(option->keyword);
    return keywords;
}

std::vector<std::string> dsn_choices(const std::string& keyword) {
    if (keyword == "sslmode") return {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"};
    if (keyword == "target_session_attrs")
        return {"any", "read-write", "read-only", "primary", "standby", "prefer-standby"};
    if (keyword == "gssencmode" || keyword == "channel_binding") return {"disable", "prefer", "require"};
    if (keyword == "load_balance_hosts") return {"disable", "random"};
    if (keyword == "sslnegotiation") return {"postgres", "direct"};
    if (keyword == "gsslib") return {"gssapi", "sspi"};
    if (keyword == "ssl_min_protocol_version" || keyword == "ssl_max_protocol_version")
        return {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
    return {};
}

std::optional<std::vector<DsnParameter>> parse_dsn(const std::string& dsn) {
    // libpq stops reading at a NUL.
    if (dsn.find('\0') != std::string::npos) return std::nullopt;
    const Options options = parse(dsn);
    if (!options) return std::nullopt;
    std::vector<DsnParameter> parameters;
    for (const PQconninfoOption* option = options.get(); option->keyword; ++option) {
        if (option->val) parameters.push_back({option->keyword, option->val});
    }
    return parameters;
}

std::string to_dsn(const std::vector<DsnParameter>& parameters) {
    std::string dsn;
    for (const auto& [keyword, value] : parameters) {
        dsn += (dsn.empty() ? "" : " ") + keyword + "='";
        for (const char c : value) {
            if (c == '\'' || c == '\\') dsn.push_back('\\');
            dsn.push_back(c);
        }
        dsn += "'";
    }
    return dsn;
}

std::vector<DsnParameter> masked(std::vector<DsnParameter> parameters) {
    // A password with an unencoded @ or / spills into host, port, user and database. An @ outside of the
    // password is a sign of that, and all four values are masked.
    const bool password_spilled =
        std::any_of(parameters.begin(), parameters.end(), [](const DsnParameter& parameter) {
            return parameter.keyword != "password" && parameter.value.find('@') != std::string::npos;
        });
    for (DsnParameter& parameter : parameters) {
        const bool may_hold_password =
            password_spilled && (parameter.keyword == "host" || parameter.keyword == "port" ||
                                 parameter.keyword == "dbname" || parameter.keyword == "user");
        if (may_hold_password || !is_safe_to_show(parameter)) parameter.value = kMask;
    }
    return parameters;
}

std::string masked_dsn(const std::string& dsn) {
    const auto parameters = parse_dsn(dsn);
    if (!parameters) return std::string(kMask);
    std::string shown;
    for (const DsnParameter& parameter : masked(*parameters)) {
        const bool plain = !parameter.value.empty() && parameter.value.find(' ') == std::string::npos;
        shown += (shown.empty() ? "" : " ") +
                 (plain ? parameter.keyword + "=" + parameter.value : to_dsn({parameter}));
    }
    return shown;
}

void add_secrets(Secrets& secrets, const std::vector<DsnParameter>& parameters) {
    const std::vector<DsnParameter> shown = masked(parameters);
    for (const DsnParameter& parameter : parameters) {
        // Masking the user's name in a message would reveal that the password equals it.
        const bool seen = std::any_of(shown.begin(), shown.end(), [&](const DsnParameter& other) {
            return other.value == parameter.value;
        });
        if (!seen) secrets.add(parameter.value);
    }
}

}  // namespace glia::postgres
