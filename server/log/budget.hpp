#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace conf {
enum class LogLevel;
}  // namespace conf

namespace server {

class Event;
namespace event {
struct LeftOut;
}

// How much the log may grow in ten seconds by what clients do: of each kind of line so many for an address
// (of IPv6 a /64), a user and all together. Kinds have purses of their own, so that nobody hides failed
// logins, errors or an import beneath a flood of plain lines. A line costs one for each 512 bytes begun.
// Bookkeeping alone: it decides on the event, before a line is put together; no socket, clock or log. Lives
// on the loop.
class LogBudget {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds period{10};

  enum class Kind { tftp, ssh, http, tftp_trouble, ssh_trouble, http_trouble, login, syslog, imports, ours };
  static constexpr std::size_t kinds = 10;
  struct Purse {
    std::uint32_t address, user, all;
  };
  // A thousand access points that boot at once, all behind one NAT address, have their RRQ and their "sent"
  // told, and a user as many sessions as the server can log in meanwhile, nine lines each. 28,000 in all.
  static constexpr std::array<Purse, kinds> purses{{{2500, 2500, 8000},
                                                    {2500, 2500, 5000},
                                                    {2500, 2500, 5000},
                                                    {500, 500, 2000},
                                                    {500, 500, 2000},
                                                    {500, 500, 2000},
                                                    {500, 500, 1500},
                                                    {200, 200, 1000},
                                                    {0, 0, 1000},
                                                    {0, 0, 500}}};

  // Whether `event`, of which something is shown at `level`, is to be told. If not, it counts as left out.
  bool takes(const Event& event, conf::LogLevel level, Clock::time_point now);
  // What the event that it took last has come to: the bytes of one of its lines.
  void spend(std::size_t bytes);

  // Something was left out, and the period ends then: left_out() is due.
  bool owes() const { return left_out_ > 0; }
  Clock::time_point ends() const { return began_ + period; }
  // Whose lines were left out, the most first; a new period begins.
  std::vector<event::LeftOut> left_out(Clock::time_point now);

  std::size_t remembered() const { return sources_.size() + sessions_.size(); }

 private:
  using Counts = std::array<std::uint32_t, kinds>;
  struct Source {
    Counts told{};
    std::uint64_t left_out = 0;
  };
  struct Session {
    std::string address, user;
  };

  void begin(Clock::time_point now);
  void learn(const Event& event);
  Source& source(const std::string& name);

  Clock::time_point began_;
  Counts told_{};
  std::uint64_t left_out_ = 0;
  std::map<std::string, Source> sources_;  // addresses, and users as "user NAME"
  std::array<std::uint32_t*, 3> spending_{};
  std::map<std::uint64_t, Session> sessions_;  // of SSH, by their numbers: most events have no more
};

}  // namespace server
