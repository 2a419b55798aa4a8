#pragma once
#include <optional>
#include <string>
#include <vector>

#include "storage/miss.hpp"
#include "storage/root.hpp"
#include "storage/shelf.hpp"

namespace storage {

// Finds out why a path is not there: which cause fits, and which file was most likely meant. Scans the root,
// and lists the archives in it. May wait for the disk. The path and the root must outlive it.
class Explanation {
 public:
  Explanation(const Root& root, const Path& asked, bool forgiving);
  Miss miss() const;

 private:
  std::optional<Miss> wrong_case() const;
  std::optional<Miss> lookalike_file() const;
  std::optional<Miss> lookalike_directory() const;
  std::optional<Miss> not_unpacked() const;
  std::optional<Miss> family_missing() const;
  Miss wrong_place() const;

  const Shelf* shelf_asked(bool forgiving) const;
  bool names_unknown_release(const Path& directory) const;
  bool nearer(const Shelf& a, const Shelf& b) const;
  template <class Holds>
  const Shelf* nearest(Holds holds) const;
  std::string releases() const;
  std::string what_there_is() const;

  const Root& root_;
  const Path& asked_;
  const Path directory_;
  const std::vector<Shelf> shelves_;
  const Shelf* here_;    // the directory that was asked for, or plainly meant
  const Shelf* holder_;  // the nearest that holds a file of that name
};

}  // namespace storage
