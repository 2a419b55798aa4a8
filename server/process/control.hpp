#pragma once
#include <functional>
#include <string>

#include "server/api/api.hpp"
#include "server/api/recent.hpp"
#include "server/api/recent_log.hpp"
#include "server/api/stream.hpp"
#include "server/http/listener.hpp"
#include "server/log/classic.hpp"
#include "server/metrics/tally.hpp"
#include "server/page/page.hpp"

namespace storage {
class Depot;
}  // namespace storage

namespace conf {
struct Metrics;
}  // namespace conf

namespace server {

// Where a running server is asked about itself: the control socket in the depot's state/, the addresses of
// `metrics.listen`, and the page. Counts from the start on. Lives on the loop.
class Control {
 public:
  // What it tells of, and what acts for it. All outlives it, and lives on the loop but for the library.
  struct Process {
    net::io_context& loop;
    Lanes& lanes;
    Events& events;
    Running& running;
    Library& library;
    const LiveSettings& settings;
    ServedCertificate& certificate;
    std::function<Api::Now()> now;
    std::function<bool(storage::Record)> keep;  // in the history
    std::string config;                         // the configuration's file; empty for the built-in defaults
  };
  explicit Control(const Process& process);
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  // What cannot be opened is a warning: devices get their files all the same.
  void begin(const conf::Metrics& settings, std::vector<tcp::acceptor> page);
  void drain();  // whoever only looks on is not waited for
  void end();

  void keep(const LogLine& line, const std::string& kind) noexcept;  // of the log
  std::vector<std::string> page_urls() const { return page_.urls(); }
  std::string setup_url() const { return page_.setup_url(); }  // as Page's

 private:
  void note(const Event& event) noexcept;

  net::io_context& loop_;
  Workers& disk_;
  Events& events_;
  const storage::Depot& depot_;
  Tally tally_;
  Recent recent_;
  RecentLog log_;
  Stream stream_;
  Api api_;
  Page page_;
  http::Router router_;
  http::Listener listener_;
  SocketFile file_;
};

}  // namespace server
