//! The macro that makes the types of reasons, and the look-ups in their table, out of rows.

/// Makes an enum of all reasons, and one of each group of faults, out of the rows of a table.
///
/// The order of the rows is that of all reasons: those without a group first, then group by group.
macro_rules! reasons {
    (
        $(#[doc = $about_all:literal])+
        $all:ident {
            $(
                $(#[doc = $about:literal])+
                $plain:ident = $code:literal, $status:ident, $challenge:ident,
                detail: $detail:literal,
                remedy: $remedy:literal $(,
                rule: $rule:literal)? $(,
                party: $party:ident)?;
            )+
        }
        $(
            $(#[doc = $about_group:literal])+
            $group:ident($fault_type:ident) {
                $(
                    $(#[doc = $about_fault:literal])+
                    $fault:ident = $fault_code:literal, $fault_status:ident, $fault_challenge:ident,
                    detail: $fault_detail:literal,
                    remedy: $fault_remedy:literal $(,
                    rule: $fault_rule:literal)? $(,
                    party: $fault_party:ident)?;
                )+
            }
        )+
    ) => {
        $(#[doc = $about_all])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $all {
            $($(#[doc = $about])+ $plain,)+
            $($(#[doc = $about_group])+ $group($fault_type),)+
        }

        impl $all {
            /// Every reason, in the order of the table.
            pub(super) const ALL: &[Self] = &[$(Self::$plain,)+ $($(Self::$group($fault_type::$fault),)+)+];

            /// The row of the reason.
            pub(super) const fn row(self) -> &'static Row {
                match self {
                    $(Self::$plain => const {
                        &Row::new($code, Status::$status, ChallengeKind::$challenge, $detail, $remedy)
                            $(.with_rule($rule))? $(.with_party(Party::$party))?
                    },)+
                    $(Self::$group(fault) => fault.row(),)+
                }
            }

            /// The place of the reason in [`Self::all`], for tables by reason.
            #[must_use]
            pub const fn index(self) -> usize {
                enum Plain { $($plain,)+ }
                let mut first = [$(Plain::$plain),+].len();
                $(
                    if let Self::$group(fault) = self {
                        return first + fault as usize;
                    }
                    first += $fault_type::COUNT;
                )+
                match self {
                    $(Self::$plain => Plain::$plain as usize,)+
                    // Each group has returned above.
                    $(Self::$group(_))|+ => first,
                }
            }
        }

        $(
            $(#[doc = $about_group])+
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            pub enum $fault_type { $($(#[doc = $about_fault])+ $fault,)+ }

            impl $fault_type {
                const COUNT: usize = [$(Self::$fault),+].len();

                const fn row(self) -> &'static Row {
                    match self {
                        $(Self::$fault => const {
                            &Row::new(
                                $fault_code, Status::$fault_status, ChallengeKind::$fault_challenge,
                                $fault_detail, $fault_remedy,
                            )
                                $(.with_rule($fault_rule))? $(.with_party(Party::$fault_party))?
                        },)+
                    }
                }
            }

            impl From<$fault_type> for $all {
                fn from(fault: $fault_type) -> Self {
                    Self::$group(fault)
                }
            }
        )+
    };
}

pub(super) use reasons;
