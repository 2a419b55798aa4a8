#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "server/doctor/result.hpp"
#include "storage/files/file.hpp"

namespace server::doctor {

// What lies in drop/ and rejected/. Names and texts raw.
struct DropReading {
  struct Waiting {
    std::string name;
    storage::Kind kind = storage::Kind::file;
    std::chrono::seconds still{0};  // since it was changed last
  };
  struct Refused {
    std::string name, reason;
  };
  std::vector<Waiting> waiting;
  std::vector<Refused> rejected;  // the first few
  std::size_t rejected_count = 0;
  bool watched = true;   // import.watch
  bool running = false;  // a server answers
  std::string depot;     // its directory
};
// Pure.
Result judge_drop(const DropReading& reading);

}  // namespace server::doctor
