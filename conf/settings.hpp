#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "conf/endpoint.hpp"
#include "conf/http.hpp"
#include "conf/log.hpp"
#include "conf/network.hpp"
#include "conf/ssh.hpp"
#include "conf/tftp.hpp"
#include "storage/depot/upload_limits.hpp"
#include "storage/import/import_settings.hpp"
#include "storage/lookup/lookup_settings.hpp"

// All settings of the configuration. A source that needs one section only includes its header, where it has
// one of its own. The defaults are not here: they are conf/apdepot.yaml, which is compiled in and loaded
// first, so that the annotated example and the program cannot disagree. Plain values; any thread may read.
namespace conf {

using Uploads = storage::UploadLimits;

// The key `import`.
struct Import : storage::ImportSettings {
  bool watch = true;
  std::chrono::seconds settle{0};
  std::uint32_t keep = 0;
  bool keep_bundles = false;
  std::uint32_t max_rejected = 0;  // files in rejected/, without their reasons
  friend bool operator==(const Import&, const Import&) = default;
};

// The key `syslog`.
struct Syslog {
  std::vector<Endpoint> listen;
  std::vector<Network> allow;              // empty: nobody
  std::uint32_t max_lines_per_second = 0;  // from one address
  std::uint32_t max_lines_per_second_in_all = 0;
};

// The key `metrics`.
struct Metrics {
  std::vector<Endpoint> listen;
};

// The key `web`. Its certificate and key serve `http` too.
struct Web {
  std::vector<Endpoint> listen;
  std::optional<std::filesystem::path> certificate, key;  // nothing: made by the server
  std::vector<std::string> names;                         // host names that it is reached by
  std::vector<Network> proxies;                           // whose X-Forwarded-For and -Proto are believed
  bool hsts = false;
};

// The key `history`.
struct History {
  std::uint32_t days = 0;  // 0: none is kept
  std::uint64_t size = 0;  // bytes
};

// The whole configuration.
struct Settings {
  std::filesystem::path depot;
  std::optional<std::string> user;  // whom a server that root starts runs as
  Tftp tftp;
  Ssh ssh;
  Uploads uploads;
  Import import;
  storage::LookupSettings lookup;
  Log log;
  Syslog syslog;
  Http http;
  Metrics metrics;
  Web web;
  History history;
  std::vector<Network> expected;  // where devices are that should have asked for something
  std::chrono::seconds drain{0};
};

}  // namespace conf
