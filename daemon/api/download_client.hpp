// Downloads temporary URLs, which point to other servers: without the token, over a separate connection pool.
#pragma once

#include <cstdint>
#include <string>

#include "daemon/api/api_error.hpp"
#include "daemon/api/http.hpp"
#include "daemon/base/metrics.hpp"
#include "daemon/base/runtime.hpp"

namespace glia {

/// Loop's thread only.
class DownloadClient {
  public:
    /// Trusts the system's certificates in addition to those of `settings`. Throws std::runtime_error if the
    /// CA file cannot be read.
    DownloadClient(Runtime& runtime, HttpSettings settings, bool allow_insecure, Metrics& metrics);

    /// As EngagementsApi::download().
    Task<Result<HttpResponse>> download(std::string url, std::uint64_t from, std::string if_range,
                                        BodyReceiver receiver);
    void cancel() { http_.cancel(); }

  private:
    HttpClient http_;
    bool allow_insecure_;
    Metrics& metrics_;
};

}  // namespace glia
