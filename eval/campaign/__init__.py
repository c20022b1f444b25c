from eval.campaign.campaign import Campaign, run_campaign
from eval.campaign.settings import CampaignSettings
from eval.campaign.store import read_campaign, write_campaign

__all__ = ["Campaign", "CampaignSettings", "read_campaign", "run_campaign", "write_campaign"]
