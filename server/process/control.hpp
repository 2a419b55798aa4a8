#pragma once
#include <functional>

#include "conf/settings.hpp"
#include "server/api/api.hpp"
#include "server/api/recent_log.hpp"
#include "server/api/stream.hpp"
#include "server/http/listener.hpp"
#include "server/log/classic.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/workers.hpp"
#include "server/page/page.hpp"
#include "storage/depot/depot.hpp"

namespace server {

// Where a running server is asked about itself: the control socket in the depot's state/, the addresses of
// `metrics.listen`, and the page. Counts from the start on. Lives on the loop.
class Control {
 public:
  Control(net::io_context& loop, Lanes& lanes, Events& events, Running& running, const LiveSettings& settings,
          const storage::Depot& depot, std::function<Api::Now()> now);
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  // What cannot be opened is a warning: devices get their files all the same.
  void begin(const conf::Metrics& settings, std::vector<tcp::acceptor> page);
  void follow() { page_.follow(); }  // a reload
  void drain();                      // whoever only looks on is not waited for
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
