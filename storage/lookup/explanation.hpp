#pragma once
#include <optional>
#include <string>
#include <vector>

#include "storage/files/path.hpp"
#include "storage/lookup/catalogue.hpp"
#include "storage/lookup/incoming.hpp"
#include "storage/lookup/miss.hpp"
#include "storage/lookup/nearness.hpp"

namespace storage {

class Root;

// Finds out why a path is not there: which cause fits, and which file was most likely meant. Looks whether
// the directories asked exist, and into drop/: may wait for the disk. The root, the catalogue and the path
// must outlive it; of `depot` the bundles are looked at that it will have soon. There is none where no import
// brings anything: in a user's own folder.
class Explanation {
 public:
  Explanation(const Root& root, const Catalogue& catalogue, const Depot* depot, const Path& asked,
              bool forgiving);
  Miss miss() const;

 private:
  std::optional<Miss> wrong_case() const;
  std::optional<Miss> lookalike_file() const;
  std::optional<Miss> lookalike_directory() const;
  std::optional<Miss> being_imported() const;
  std::optional<Miss> not_unpacked() const;
  std::optional<Miss> family_missing() const;
  Miss wrong_place() const;

  const Shelf* shelf_asked(bool forgiving) const;
  Catalogue::Shelves holders() const;
  bool may_be_in(const Archived& archive) const;
  bool is_release_here() const;
  bool names_unknown_release(const Path& directory) const;
  template <class Holds>
  Catalogue::Shelves nearest(Catalogue::Shelves shelves, Holds holds) const;
  bool is_nearer(const Archived& archive, const Archived& other) const;
  std::string nothing_yet() const;
  std::string releases() const;
  std::string what_there_is() const;

  const Root& root_;
  const Catalogue& catalogue_;
  const bool has_imports_;
  const Path& asked_;
  const Path directory_;
  const std::optional<Version> version_asked_;
  const Shelf* here_;  // the directory that was asked for, or plainly meant
  const std::vector<Incoming> incoming_;
  const Nearness nearness_;
  const Catalogue::Shelves holders_;  // the nearest that hold a file of that name
};

}  // namespace storage
