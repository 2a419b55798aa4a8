#include "conf/restart.hpp"

#include <cstddef>

#include "conf/values.hpp"

namespace conf {

std::vector<std::string> keys_that_wait(const Settings& running, const Settings& loaded) {
  const auto old = values_of(running), now = values_of(loaded);
  std::vector<std::string> differ;
  for (std::size_t i = 0; i < old.size(); ++i)
    if (old[i].takes == Takes::at_restart && old[i].value != now[i].value) differ.push_back(old[i].key);
  return differ;
}

}  // namespace conf
