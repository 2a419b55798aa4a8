#include "server/doctor/result.hpp"

#include <algorithm>
#include <functional>

namespace server::doctor {

std::string_view word(State state) {
  switch (state) {
    case State::ok:
      return "ok";
    case State::unknown:
      return "unknown";
    case State::look:
      return "look";
    case State::fails:
      break;
  }
  return "fails";
}

void Result::add(State state, std::string found, std::string fix) {
  findings_.push_back({state, std::move(found), std::move(fix)});
  std::ranges::stable_sort(findings_, std::ranges::greater{}, &Finding::state);
}

Result Result::or_ok(std::string found) && {
  if (findings_.empty()) findings_.push_back({State::ok, std::move(found), {}});
  return std::move(*this);
}

State Result::state() const { return findings_.empty() ? State::ok : findings_.front().state; }

Result all_well(std::string found) { return Result().or_ok(std::move(found)); }

Result not_seen(std::string found, std::string fix) {
  Result result;
  result.unknown(std::move(found), std::move(fix));
  return result;
}

}  // namespace server::doctor
