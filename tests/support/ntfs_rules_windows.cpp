#include "tests/support/ntfs_rules.hpp"

namespace test {

// The system itself refuses what NTFS refuses. Nothing breaks off here.
NtfsRules::NtfsRules() = default;
NtfsRules::~NtfsRules() = default;

}  // namespace test
