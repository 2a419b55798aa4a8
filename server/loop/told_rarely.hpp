#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

namespace server {

// Sees to it that a text which comes again and again is told once in a while, with the number of times that
// it was not. Of so many texts at most: beyond, the one that was told longest ago is forgotten, and may be
// told again. Bookkeeping alone: no clock, no log. One thread at a time.
class ToldRarely {
 public:
  using Clock = std::chrono::steady_clock;

  ToldRarely(Clock::duration pause, std::size_t most) : pause_(pause), most_(most) {}

  // How often `text` came untold, if it is to be told now.
  std::optional<std::uint64_t> tell(const std::string& text, Clock::time_point now);
  std::size_t remembered() const { return places_.size(); }

 private:
  struct Told {
    std::string text;
    Clock::time_point at;
    std::uint64_t untold = 0;
  };
  const Clock::duration pause_;
  const std::size_t most_;
  std::list<Told> told_;  // the latest first
  std::unordered_map<std::string, std::list<Told>::iterator> places_;
};

}  // namespace server
