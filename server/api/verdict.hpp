#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace server {

// What is wrong now, in the order in which an administrator should hear it; where nothing is, that all is
// well. Pure; any thread. All texts are escaped.

// How bad it is.
enum class Concern : std::uint8_t { ok, look, fails };
std::string_view word(Concern concern);  // "look"

// One thing that is wrong.
struct Verdict {
  Concern state = Concern::ok;
  std::string_view code;    // "MISSES"
  std::string text;         // one sentence
  std::string detail, fix;  // more of it; a command or a controller's line; both may be empty
  std::string link;         // the page's screen, with its filter
};

// What the verdicts rest on.
struct Situation {
  bool draining = false;
  // A doctor's finding that fails, as it was found last.
  struct Failing {
    std::string title, found, fix;
  };
  std::vector<Failing> failing;
  // A request of the last 15 minutes for what is not served yet.
  struct Miss {
    std::string client, cause, asked, fix, text;
  };
  std::vector<Miss> misses;  // the newest first
  // What a device says in its own log of a failure of the last 15 minutes.
  struct Heard {
    std::string speaker, text, fix;
  };
  std::vector<Heard> heard;  // the newest first
  std::size_t running = 0, stalled = 0;
  // A transfer that broke off within 15 minutes.
  struct Broken {
    std::string client, file;
    std::uint64_t bytes = 0;
  };
  std::vector<Broken> broken;  // the newest first
  // A bundle that was rejected within 24 hours.
  struct Rejected {
    std::string file, reason;
  };
  std::vector<Rejected> rejected;
  std::optional<std::uint64_t> free;  // bytes of the depot's file system
  std::uint64_t largest = 0;          // bytes of the largest release
  std::string oldest;                 // release that may be retired; empty for none
  // Of the release that devices should have.
  struct Goal {
    std::string version;  // "17.9.4a"
    std::size_t have = 0, of = 0, never_seen = 0;
    bool is_old = false;  // it was published an hour ago or more
  };
  std::optional<Goal> goal;
  std::optional<std::int64_t> certificate_days;  // until the administrator's ends; nothing without one
};

std::vector<Verdict> verdicts_of(const Situation& situation);
std::string to_json(const Verdict& verdict);

}  // namespace server
