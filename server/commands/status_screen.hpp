#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace server {

// What `apdepot status` shows, taken out of the API's answers.
struct StatusView {
  struct Transfer {
    std::uint64_t id = 0;
    std::string client, name, protocol, user, state;
    std::optional<std::uint64_t> size;
    std::uint64_t bytes = 0, resent = 0;
    double rate = 0;             // bytes a second
    std::optional<double> left;  // seconds
    std::string options;         // "1428 x 16"
    double stalled = 0;          // seconds
  };
  struct Line {
    std::string at, client, text;
  };
  // What is wrong, the worst kinds first, and what fixes it, which may be empty.
  struct Verdict {
    std::string text, fix;
  };
  // A bundle on its way in.
  struct Import {
    std::string file, step;
    std::optional<unsigned> percent;
  };
  // The release that devices should have.
  struct Goal {
    std::string version;
    std::uint64_t have = 0, of = 0;
  };
  std::string version, host, depot, now;
  double up = 0;  // seconds
  bool draining = false;
  std::uint64_t running = 0, stalled = 0, sessions = 0, whole = 0, broke_off = 0, misses = 0;
  std::optional<std::uint64_t> releases;
  std::vector<Verdict> verdicts;  // nothing where all is well
  std::vector<Import> imports;
  std::optional<Goal> goal;
  std::vector<Transfer> transfers;
  std::vector<Line> trouble;  // what ended badly and what was missed, the latest first
};

// Of the JSON of /api/v1/status, /transfers and /recent. Throws std::runtime_error for another server's.
StatusView status_view(const std::string& status, const std::string& transfers, const std::string& recent);

// What it is shown on.
struct Screen {
  unsigned columns = 80;
  std::optional<unsigned> rows;  // nothing: as many as it takes
  bool utf8 = true;
};

// The lines of it, none longer than the screen is wide but for what fixes a miss, which is never cut. What
// needs somebody comes first. Pure.
std::vector<std::string> status_lines(const StatusView& view, const Screen& screen);

// "1.4 MB/s", "0:39", "12 d 3 h".
std::string rate_text(double bytes_a_second);
std::string size_text(std::uint64_t bytes);
std::string clock_text(double seconds);
std::string age_text(double seconds);

}  // namespace server
