#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace server::doctor {

// How bad a finding is, the worst last. `unknown`: this process could not see it. `look`: an administrator
// should know. `fails`: devices get nothing, or will not.
enum class State : std::uint8_t { ok, unknown, look, fails };
std::string_view word(State state);

// One sentence about one thing, and the command or the key that fixes it, which may be empty. Both are
// escaped: nothing in them harms a terminal.
struct Finding {
  State state = State::ok;
  std::string found, fix;
  friend bool operator==(const Finding&, const Finding&) = default;
};

// What one check found, the worst first; never nothing, once or_ok() was asked. A plain value.
class Result {
 public:
  void fails(std::string found, std::string fix = {}) { add(State::fails, std::move(found), std::move(fix)); }
  void look(std::string found, std::string fix = {}) { add(State::look, std::move(found), std::move(fix)); }
  void unknown(std::string found, std::string fix = {}) {
    add(State::unknown, std::move(found), std::move(fix));
  }
  // This, with `found` where there is nothing else to say.
  Result or_ok(std::string found) &&;

  State state() const;
  const std::vector<Finding>& findings() const { return findings_; }

 private:
  void add(State state, std::string found, std::string fix);

  std::vector<Finding> findings_;
};

// A result with one finding.
Result all_well(std::string found);
Result not_seen(std::string found, std::string fix = {});

}  // namespace server::doctor
