#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "server/doctor/result.hpp"

namespace server::doctor {

// What is published, and what is wrong with it. All texts raw.
struct ReleasesReading {
  struct Doubt {
    std::string path;    // "/EWC/17_9_4a"
    std::string bundle;  // where it came from
    std::string what;    // a sentence; empty for one that is only unverified
  };
  std::size_t count = 0;             // of releases
  std::vector<Doubt> differ;         // from what was imported
  std::vector<Doubt> later;          // written to after the import, of the same size
  std::vector<Doubt> unverified;     // nothing confirmed what was imported
  std::vector<std::string> damaged;  // records of an import that cannot be read: sentences
  bool digests = false;              // every byte was read
};
// Pure.
Result judge_releases(const ReleasesReading& reading);

}  // namespace server::doctor
