#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "server/http/router.hpp"

namespace server {

// The page's files, web/ at the top of the sources, which the program has in it. Made at the start; on the
// loop.
class Assets {
 public:
  Assets();  // packs them

  // A row for each of them, and one for "/".
  void offer(http::Router& router) const;

  struct Asset {
    std::string path;  // "/style.css"
    std::string_view text;
    std::string type, packed, tag;  // packed: by gzip; tag: an ETag
  };
  const std::vector<Asset>& all() const { return assets_; }

 private:
  std::vector<Asset> assets_;
};

}  // namespace server
