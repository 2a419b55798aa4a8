#include "server/os/polite.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

namespace {

struct Standing {
  int nice = 0;
  long io_class = 0;  // of ioprio_get(2): 0 none, 3 idle
  bool operator==(const Standing&) const = default;
};

Standing own_standing() {
  return {::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())), ::syscall(SYS_ioprio_get, 1, 0) >> 13};
}

}  // namespace

TEST_CASE("a thread that is polite comes last, and the others stay where they were") {
  const auto before = own_standing();
  Standing polite, child_of_polite;
  std::thread([&] {
    server::be_polite();
    polite = own_standing();
    server::be_polite();
    std::thread([&] { child_of_polite = own_standing(); }).join();
  }).join();
  CHECK(polite == Standing{19, 3});
  CHECK(child_of_polite.nice == 19);
  CHECK(own_standing() == before);
}
