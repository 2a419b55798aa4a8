#pragma once
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "server/api/recent_log.hpp"
#include "server/files/running.hpp"
#include "server/http/router.hpp"

namespace server {

class Event;

// What happens, live, for the pages that look: server-sent events, in docs/api.md. Once a second, and only
// while somebody looks, what has moved is composed once for all of them; a viewer keeps no message but the
// one that is being written, and takes up where things stand then. Lives on the loop, which it outlasts none
// of.
class Stream {
 public:
  static constexpr std::size_t most_of_a_login = 4, most = 64;

  Stream(net::io_context& loop, const Running& running, const RecentLog& log);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void offer(http::Router& router);
  void note(const Event& event);
  // One more event for those who have asked for the topic; `data` is JSON.
  void tell(const char* topic, const char* name, const std::string& data);
  void end();  // each viewer's, and takes no more
  std::size_t viewers() const;

 private:
  class Viewer;
  struct Shared;
  // What a viewer was told of a transfer.
  struct Told {
    std::uint64_t bytes, resent, number;
    std::string name;
    bool stalled;
  };
  struct Ended {
    std::string name;
    std::string_view outcome;
    std::uint64_t bytes;
    std::uint64_t tick;  // in which it was told
  };

  http::Reply open(const http::Request& request);
  void run();
  net::awaitable<void> tick();
  net::awaitable<std::string> moved();
  net::awaitable<std::string> added(std::string list);
  net::awaitable<void> compose_all();

  net::io_context& loop_;
  const Running& running_;
  std::map<Running::Id, Told> told_;
  Running::Id newest_ = 0;
  std::multimap<std::uint64_t, Ended> ended_;  // by number: a row may go a moment later
  bool ticking_ = false;
  std::shared_ptr<Shared> shared_;  // with the viewers, which may outlive this
};

}  // namespace server
