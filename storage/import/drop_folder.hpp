#pragma once
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace storage {

class Depot;

// Decides when a file in drop/ is whole. Pure: the watcher tells it what it saw and when. A file counts when
// its writer closed it or it was renamed in, and then lay still for `settle`; where no close is seen (SMB, a
// file that was there at the start) it must lie still for `settle_unseen`. Names that copy programs use for
// files in the making (".x", "x.part", "x.crdownload", "x.aria2", "x~") are waited for under their final
// name, and clutter (clutter.hpp) is ignored. No more than `most_names` are waited for at a time: the rest is
// for whoever looks through the folder later.
class DropFolder {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  static constexpr std::size_t most_names = 2000;

  DropFolder(Duration settle, Duration settle_unseen) : settle_(settle), settle_unseen_(settle_unseen) {}

  void changed(const std::string& name, Time now);  // created, or written to
  void closed(const std::string& name, Time now);   // its writer closed it, or it was renamed in
  // It was not seen to arrive. There is room for as many more of these, whatever else is going on; false
  // where there is none.
  bool found(const std::string& name, Time written);
  void gone(const std::string& name);
  // Files whose time has come; each is given once.
  std::vector<std::string> take_ready(Time now);
  std::optional<Time> deadline() const;  // when take_ready is worth asking next

 private:
  bool wait_for(const std::string& name, Time due, std::size_t most);

  Duration settle_, settle_unseen_;
  std::map<std::string, Time> due_;  // the moment at which a file that lies still counts as whole
};

// Whether a file of this name is waited for under its final name, or is clutter: it is never imported.
bool is_in_the_making(std::string_view name);

// What an entry of drop/ is, as far as an import cares.
enum class DropKind { file, being_written, not_a_file, gone };
// What lies under `name` in drop/. Nothing but a regular file is opened, and no link is followed.
DropKind kind_of_drop(const Depot& depot, const std::string& name);

}  // namespace storage
