#pragma once
#include <memory>

#include "storage/files/root.hpp"

namespace storage {

// Tells whether anything changed in a set of directories: names, what files hold, who may read them. Asked,
// not telling: the system keeps count meanwhile, in bounded memory. One thread at a time.
//
// Where the system cannot tell (it has no watches left, or the directory lies on another host's disk), it is
// blind, and says that something changed.
class TreeWatch {
 public:
  TreeWatch();
  TreeWatch(TreeWatch&&) noexcept;
  TreeWatch& operator=(TreeWatch&&) noexcept;
  ~TreeWatch();

  // What changes from here on counts. So before the directory is read.
  void add(const Directory& directory);
  bool changed() const;  // never waits
  bool blind() const { return blind_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  bool blind_ = false;
};

}  // namespace storage
