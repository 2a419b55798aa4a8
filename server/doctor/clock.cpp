#include "server/doctor/clock.hpp"

#include <fmt/format.h>

#include "server/doctor/check.hpp"
#include "server/os/host_text.hpp"
#include "server/os/kernel.hpp"
#include "server/text/escape.hpp"
#include "storage/files/root.hpp"
#include "storage/lookup/catalogue.hpp"

namespace server::doctor {
namespace {

using namespace std::chrono_literals;
using Time = ClockReading::Time;

constexpr std::size_t most_looked_at = 20'000;
constexpr auto tolerance = 60s;

void find_newest(const storage::Depot& depot, ClockReading& reading) {
  const auto root = storage::Root::open(depot.images());
  if (!root) return;
  std::size_t count = 0;
  const storage::Catalogue catalogue(*root);
  for (const auto& shelf : catalogue.shelves())
    for (const auto& file : shelf.files) {
      if (++count > most_looked_at) return;
      const auto path = shelf.path / file.name;
      const auto found = root->attributes(path);
      if (!found) continue;
      const Time written(std::chrono::seconds(found->modified));
      if (!reading.newest.empty() && written <= reading.written) continue;
      reading.newest = path.text();
      reading.written = written;
    }
}

Result run(const Sight& sight) {
  ClockReading reading;
  reading.kept = is_clock_kept();
  reading.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (sight.depot) find_newest(*sight.depot, reading);
  return judge_clock(reading);
}

}  // namespace

Result judge_clock(const ClockReading& reading) {
  const auto* const fix = host::set_clock;
  Result result;
  const auto ahead = reading.written - reading.now;
  if (!reading.newest.empty() && ahead > tolerance)
    result.look(fmt::format("{} was written {} s in the future by this host's clock: either is wrong",
                            escaped(reading.newest, whole), ahead.count()),
                fix);
  if (!reading.kept) {
    result.unknown("the system does not say whether its clock is kept right");
  } else if (!*reading.kept) {
    result.look("nothing keeps the clock right: times in the log may be wrong", fix);
  }
  return std::move(result).or_ok("kept right");
}

const Check clock_check{"clock", "clock", nullptr, run};

}  // namespace server::doctor
