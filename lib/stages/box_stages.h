#pragma once
#include "tailrace/plan/catalog.h"

namespace tailrace::stages {

// What add_stages adds for networks that find things in pictures.
void add_box_stages(Catalog& catalog);

}  // namespace tailrace::stages
